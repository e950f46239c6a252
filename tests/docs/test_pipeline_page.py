"""The script of the page on data pipelines: killed while it works, and started again."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import API_KEY
from tests.servers import PROJECT, RunningServer
from tiled_client import ArrayClient, from_uri

PAGE = PROJECT / "docs" / "how-to" / "in-a-data-pipeline.md"
FRAMES_BEFORE_KILL, FRAMES = 20, 80
SUMS = {number: 6.0 * number for number in range(FRAMES)}
PATIENCE = 60


@pytest.fixture
def images(server: RunningServer) -> ArrayClient:
    """An array of one frame."""
    client = from_uri(server.uri, API_KEY)
    made: ArrayClient = client.write_array(np.zeros((1, 2, 3), int))
    return made


@pytest.fixture
def start(images: ArrayClient, tmp_path: Path) -> Callable[[], subprocess.Popen[str]]:
    """Start the script."""
    found = re.search(r"^```py script\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    script = tmp_path / "process.py"
    script.write_text(found[1])
    environment = {**os.environ, "TILED_API_KEY": API_KEY}
    command = [sys.executable, "-u", script, images.uri, tmp_path / "sums.db"]

    def run() -> subprocess.Popen[str]:
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    return run


def write(images: ArrayClient, *numbers: int) -> None:
    for number in numbers:
        images.patch(np.full((1, 2, 3), number), offset=(number, 0, 0), extend=True)


def test_a_killed_pipeline_goes_on_without_loss_or_repetition(
    images: ArrayClient, start: Callable[[], subprocess.Popen[str]], tmp_path: Path
) -> None:
    write(images, *range(1, 60))
    first = start()
    assert first.stdout is not None
    with first.stdout:
        lines = [first.stdout.readline() for _ in range(FRAMES_BEFORE_KILL)]
        first.send_signal(signal.SIGKILL)
        lines += first.stdout.readlines()
    first.wait(PATIENCE)
    write(images, *range(60, FRAMES))
    images.close_stream()
    second = start()
    rest = second.communicate(timeout=PATIENCE)[0].splitlines(keepends=True)
    assert second.returncode == 0
    done = [int(line.rpartition(" ")[2]) for line in [*lines, *rest] if line.endswith("\n")]
    assert done == sorted(set(done)), "no frame was processed twice"
    assert len(done) >= FRAMES - 1, "a frame may have been committed and not printed"
    with sqlite3.connect(tmp_path / "sums.db") as results:
        assert dict(results.execute("SELECT * FROM sums")) == SUMS
        results.execute("DELETE FROM sums WHERE frame IN (3, 5)")
    third = start()
    stored = "processed stored frame 3\nprocessed stored frame 5\n"
    assert third.communicate(timeout=PATIENCE)[0] == stored
    with sqlite3.connect(tmp_path / "sums.db") as results:
        results.execute("UPDATE place SET epoch = 'one of long ago'")
    fourth = start()
    again = fourth.communicate(timeout=PATIENCE)[0]
    assert again.count("processed frame") == FRAMES, "all retained updates are sent again"
    with sqlite3.connect(tmp_path / "sums.db") as results:
        assert dict(results.execute("SELECT * FROM sums")) == SUMS
