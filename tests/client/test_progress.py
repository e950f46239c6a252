"""Progress bars: shown in a terminal, for what lasts, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tiled_client.progress import operations, watcher
from tiled_client.progress.operations import Operation, advance, expect, is_tracked, track
from tiled_client.progress.visibility import is_shown

HALF = 4 << 20
PATIENCE = 120
PROGRAM = """
import sys
from tiled_client import HttpOptions
from tiled_client.http.client import HttpClient
client = HttpClient(sys.argv[1], options=HttpOptions(read_timeout=300))
body = client.get("array/full", ("scan", "x"), accept="application/octet-stream").content
print(len(body))
"""


class HalvingServer:
    """Sends a body in two halves, the second when `resume` is set."""

    def __init__(self) -> None:
        self.resume = threading.Event()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(2 * HALF))
                self.end_headers()
                self.wfile.write(bytes(HALF))
                peer.resume.wait(PATIENCE)
                self.wfile.write(bytes(HALF))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.root = f"http://127.0.0.1:{self.server.server_address[1]}/api/v1"


@pytest.fixture
def halving() -> Iterator[HalvingServer]:
    peer = HalvingServer()
    thread = threading.Thread(target=peer.server.serve_forever, args=(0.02,))
    thread.start()
    yield peer
    peer.resume.set()
    peer.server.shutdown()
    peer.server.server_close()
    thread.join(5)


def run(root: str, stderr: Any, **environment: str) -> subprocess.Popen[bytes]:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    command = [sys.executable, "-c", PROGRAM, root]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=stderr)


def test_a_terminal_shows_how_far_a_transfer_is_and_nothing_of_it_stays(
    halving: HalvingServer,
) -> None:
    screen, terminal = pty.openpty()
    with run(halving.root, terminal, TERM="xterm", COLUMNS="120") as process:
        os.close(terminal)
        shown = b""
        while b"4.2/8.4 MB" not in shown:
            shown += os.read(screen, 4096)
        assert b"Reading /scan/x" in shown
        halving.resume.set()
        assert process.stdout is not None
        assert process.stdout.read() == f"{2 * HALF}\n".encode()
    try:
        while more := os.read(screen, 4096):
            shown += more
    except OSError:  # the terminal is closed
        pass
    os.close(screen)
    # The last line that was drawn is erased, and the cursor shown again.
    left = re.split(rb"\x1b\[2K", shown)[-1]
    assert re.sub(rb"\x1b\[[?0-9;]*[a-zA-Z]|[\r\n]", b"", left) == b""


def test_a_pipe_and_a_terminal_where_bars_are_off_get_nothing(halving: HalvingServer) -> None:
    for stderr, environment in ((subprocess.PIPE, {}), (None, {"TILED_PROGRESS": "0"})):
        halving.resume.clear()
        screen = None
        if stderr is None:
            screen, stderr = pty.openpty()
        with run(halving.root, stderr, **environment) as process:
            # Longer than until a bar would be shown.
            time.sleep(2 * watcher.DELAY)
            halving.resume.set()
            _, errors = process.communicate(timeout=PATIENCE)
        if screen is not None:
            os.set_blocking(screen, False)
            os.close(stderr)
            with pytest.raises(OSError):
                os.read(screen, 4096)
            os.close(screen)
        else:
            assert errors == b""


def test_bars_are_shown_as_the_option_says_then_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TILED_PROGRESS", raising=False)
    assert not is_shown()  # under pytest, standard error is no terminal
    monkeypatch.setenv("TILED_PROGRESS", "1")
    assert is_shown()
    assert not is_shown(False)
    monkeypatch.setenv("TILED_PROGRESS", "off")
    assert not is_shown()
    assert is_shown(True)


def test_requests_of_several_threads_are_parts_of_one_operation() -> None:
    counted: list[tuple[int, float | None, str]] = []

    def part(number: int) -> None:
        with track(True, "Reading /x"):
            expect(100)
            advance(100 if number else 40)

    with track(True, parts=4), ThreadPoolExecutor(2) as pool:
        operation = operations._current.get()
        assert operation is not None
        for number in range(2):
            pool.submit(copy_context().run, part, number).result()
        counted.append((operation.done, operation.total, operation.title))
    # Two of four parts have begun, so twice their bytes are expected.
    assert counted == [(140, 400.0, "Reading /x")]
    assert not is_tracked()


def test_an_operation_of_unknown_length_has_no_total() -> None:
    operation = Operation("Downloading /x")
    operation.expect(0)
    operation.advance(5)
    assert (operation.done, operation.total) == (5, None)


def test_nothing_is_counted_where_no_bar_is_shown() -> None:
    with track(False, "Reading /x"):
        expect(5)
        advance(5)
        assert not is_tracked()
