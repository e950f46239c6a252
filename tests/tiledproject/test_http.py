"""Requests on their way in: large, slow, broken off; and what pages have that the API has not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests

from access.authentication.client_address import SCOPE_ADDRESS
from core.budgets import Budgets, Exhausted
from tests.conftest import API_KEY
from tests.servers import RunningServer, own_database, running
from tiled_client import ArrayClient, from_uri
from tiledproject.http.request_bodies import (
    BodyReceiver,
    BodyTooLarge,
    Disconnected,
    InsufficientStorage,
)

MIB = 1 << 20
HEADERS = {"Authorization": f"Apikey {API_KEY}", "Content-Type": "application/octet-stream"}
FRAME = np.arange(2000, dtype=np.int64)


@pytest.fixture
def array(server: RunningServer) -> ArrayClient:
    return from_uri(server.uri, api_key=API_KEY).write_array(np.zeros_like(FRAME))


def upload(array: ArrayClient, *, declared: int = FRAME.nbytes, extra: str = "") -> socket.socket:
    """A connection on which the head of a request to overwrite `array` has been sent."""
    where = urlsplit(array.uri)
    assert where.hostname is not None
    assert where.port is not None
    line = socket.create_connection((where.hostname, where.port), timeout=30)
    path = f"/api/v1/array/full/{array.key}"
    fields = {**HEADERS, "Host": "localhost", "Content-Length": str(declared)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    line.sendall(f"PUT {path} HTTP/1.1\r\n{head}{extra}\r\n".encode())
    return line


def status(line: socket.socket) -> int:
    with line.makefile("rb") as reader:
        return int(reader.readline().split()[1])


def test_slow_uploads_delay_no_other_request_and_complete(array: ArrayClient) -> None:
    body = FRAME.tobytes()
    with ExitStack() as lines:
        slow = [lines.enter_context(upload(array)) for _ in range(100)]
        for line in slow:
            line.sendall(body[:5000])
        array.write(FRAME[::-1].copy())
        np.testing.assert_array_equal(array.read(), FRAME[::-1])
        for line in slow:
            line.sendall(body[5000:])
        assert {status(line) for line in slow} == {200}
    np.testing.assert_array_equal(array.read(), FRAME)


def test_an_upload_that_is_broken_off_leaves_nothing(array: ArrayClient) -> None:
    before = array.read()
    with upload(array) as line:
        line.sendall(FRAME.tobytes()[:-8])
    np.testing.assert_array_equal(array.read(), before)


def test_a_client_that_expects_100_continue_receives_it(array: ArrayClient) -> None:
    with upload(array, extra="Expect: 100-continue\r\n") as line, line.makefile("rb") as reader:
        assert [reader.readline(), reader.readline()] == [b"HTTP/1.1 100 Continue\r\n", b"\r\n"]
        line.sendall(FRAME.tobytes())
        assert reader.readline() == b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that takes at most one MiB in one request."""
    options = ("--port", "0", "--workers", "1", "--api-key", API_KEY)
    with own_database() as database:
        settings = {"TILED_SERVER_MAX_BODY_BYTES": str(MIB), **database}
        with running(tmp_path_factory.mktemp("narrow"), "serve", *options, **settings) as site:
            yield site


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused_in_a_sentence(
    narrow: RunningServer, declared: bool
) -> None:
    large = bytes(2 * MIB)
    body: Any = large if declared else iter([large])
    answer = requests.put(
        f"{narrow.uri}/api/v1/array/full/a", data=body, headers=HEADERS, timeout=60
    )
    assert answer.status_code == 413
    assert "server.max_body_bytes" in answer.json()["detail"]
    fitting = requests.put(
        f"{narrow.uri}/api/v1/array/full/a", data=large[:MIB], headers=HEADERS, timeout=60
    )
    assert fitting.status_code == 404


def test_a_body_with_a_too_large_content_length_is_rejected_before_it_is_sent(
    narrow: RunningServer,
) -> None:
    where = urlsplit(narrow.uri)
    with socket.create_connection((where.hostname, where.port), timeout=30) as line:
        head = f"PUT /api/v1/array/full/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: {2 * MIB}"
        line.sendall(f"{head}\r\nExpect: 100-continue\r\n\r\n".encode())
        assert status(line) == 413


LARGE = 17 * MIB
ANSWERS = [
    ("PUT /api/v1/array/full/a", "", 401),
    ("PUT /api/v1/array/full/a", "Authorization: Apikey wrong", 401),
    ("PUT /api/v1/nothing", f"Authorization: Apikey {API_KEY}", 404),
    # What may be read without credentials on a public site is asked for in few words.
    ("POST /api/v1/container/full/", f"Authorization: Apikey {API_KEY}", 413),
    ("POST /admin/login/", "", 413),
]


@pytest.mark.parametrize(("line", "credentials", "expected"), ANSWERS)
def test_a_large_body_is_rejected_before_it_is_sent_where_none_is_allowed(
    server: RunningServer, line: str, credentials: str, expected: int
) -> None:
    lines = [f"{line} HTTP/1.1", "Host: localhost", f"Content-Length: {LARGE}"]
    head = "\r\n".join([*lines, *filter(None, [credentials]), "", ""])
    with connected(server) as connection:
        connection.sendall(head.encode())
        assert status(connection) == expected


def test_an_endless_body_is_received_only_up_to_the_clients_limit(
    server: RunningServer,
) -> None:
    def endless() -> Iterator[bytes]:
        head = "PUT /api/v1/array/full/a HTTP/1.1\r\nHost: localhost\r\n"
        yield f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        for _ in range(LARGE // MIB):
            yield b"%x\r\n%b\r\n" % (MIB, bytes(MIB))

    with connected(server) as connection:
        for part_of_it in endless():
            connection.sendall(part_of_it)
        assert status(connection) == 401


@pytest.mark.parametrize("declared", [True, False])
def test_runserver_keeps_nothing_of_a_large_body_that_may_not_come(
    runserver: RunningServer, declared: bool
) -> None:
    large = np.arange(32 * MIB // 8)
    array = from_uri(runserver.uri, api_key=API_KEY).write_array(np.zeros_like(large))
    content, seen = large.tobytes(), list[int]()

    class Declared:
        def __iter__(self) -> Iterator[bytes]:
            yield from (content[start : start + MIB] for start in range(0, 31 * MIB, MIB))
            seen.append(runserver.unnamed_bytes())
            yield content[31 * MIB :]

        def __len__(self) -> int:
            return len(content)

    for key, expected in (("wrong", 401), (API_KEY, 200)):
        answer = requests.put(
            f"{runserver.uri}/api/v1/array/full/{array.key}",
            data=Declared() if declared else iter(Declared()),
            headers={**HEADERS, "Authorization": f"Apikey {key}"},
            timeout=60,
        )
        assert answer.status_code == expected, answer.text
    np.testing.assert_array_equal(array.read(), large)
    assert seen[0] < MIB < 16 * MIB < seen[1]


def connected(server: RunningServer) -> socket.socket:
    where = urlsplit(server.uri)
    assert where.hostname is not None
    return socket.create_connection((where.hostname, where.port or 80), timeout=30)


def arriving(*messages: dict[str, Any]) -> Any:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    return receive


def part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


SCOPE: dict[str, Any] = {"headers": []}


async def test_bodies_beyond_the_memory_that_there_is_for_them_wait_on_disk() -> None:
    bodies = BodyReceiver(largest=1000, memory=10)
    large = await bodies.receive(SCOPE, arriving(part(b"a" * 8), part(b"b" * 8), part(b"c", False)))
    small = await bodies.receive(SCOPE, arriving(part(b"d" * 10, False)))
    assert large.file().read() == b"a" * 8 + b"b" * 8 + b"c"
    assert small.file().read() == b"d" * 10
    assert not bodies.reserve(1)
    for body in (large, small):
        body.close()
    assert bodies.reserve(10)


async def test_bodies_that_do_not_arrive_give_their_memory_back() -> None:
    bodies = BodyReceiver(largest=15, memory=10)
    with pytest.raises(Disconnected):
        await bodies.receive(SCOPE, arriving(part(b"a" * 8), {"type": "http.disconnect"}))
    with pytest.raises(BodyTooLarge):
        await bodies.receive(SCOPE, arriving(part(b"a" * 8), part(b"a" * 8)))
    with pytest.raises(BodyTooLarge):
        await bodies.receive({"headers": [(b"content-length", b"16")]}, arriving())
    assert bodies.reserve(10)


async def test_an_address_has_half_of_the_temporary_files_of_bodies_at_most() -> None:
    limits = Budgets(answer_bytes=1, temporary_bytes=1000, temporary_files=4, exports=1)
    bodies, kept = BodyReceiver(largest=1000, memory=10, budgets=limits), []

    async def bring(address: str) -> None:
        scope = {**SCOPE, SCOPE_ADDRESS: address}
        kept.append(await bodies.receive(scope, arriving(part(b"a" * 20, False))))

    for _ in range(2):
        await bring("a")
    with pytest.raises(Exhausted, match=r"for this address .*budgets\.temporary_files"):
        await bring("a")
    await bring("b")
    assert (limits.temporary_files.used, limits.temporary_bytes.used) == (3, 60)
    for body in kept:
        body.close()
    assert (limits.temporary_files.used, limits.temporary_bytes.used) == (0, 0)
    await bring("a")
    kept[-1].close()


@pytest.mark.parametrize("site", ["server", "runserver"])
def test_the_admin_has_sessions_and_styles_and_the_api_has_neither(
    site: str, request: pytest.FixtureRequest
) -> None:
    uri = request.getfixturevalue(site).uri
    with requests.Session() as browser:
        page = browser.get(f"{uri}/admin/login/", timeout=60)
        assert page.headers["X-Frame-Options"] == "DENY"
        form = {
            "username": "admin",
            "password": API_KEY,
            "csrfmiddlewaretoken": browser.cookies["csrftoken"],
            "next": "/admin/",
        }
        page = browser.post(f"{uri}/admin/login/", data=form, timeout=60)
        assert (page.status_code, page.url) == (200, f"{uri}/admin/")
        assert "sessionid" in browser.cookies
        styles = browser.get(f"{uri}/static/admin/css/base.css", timeout=60)
        assert (styles.status_code, styles.headers["Content-Type"]) == (200, "text/css")
    answer = requests.get(f"{uri}/api/v1/metadata/", headers=HEADERS, timeout=60)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert set(answer.cookies.keys()) == {"tiled_csrf"}


def test_an_unread_response_holds_no_thread(server: RunningServer) -> None:
    client = from_uri(server.uri, api_key=API_KEY)
    large = client.write_array(np.zeros(8 * MIB, dtype=np.uint8))
    where = urlsplit(large.uri)
    with ExitStack() as lines:
        for _ in range(50):
            line = lines.enter_context(socket.create_connection((where.hostname, where.port)))
            path = f"/api/v1/array/full/{large.key}?api_key={API_KEY}"
            line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert line.recv(12) == b"HTTP/1.1 200"
        assert client.write_array(FRAME).read().tolist() == FRAME.tolist()


async def test_bodies_for_which_the_disk_has_no_space_are_rejected(tmp_path: Path) -> None:
    bodies = BodyReceiver(largest=1000, memory=10, folder=tmp_path / "gone")
    with pytest.raises(InsufficientStorage) as refused:
        await bodies.receive(SCOPE, arriving(part(b"a" * 8), part(b"b" * 8, False)))
    assert refused.value.status == 503
    assert bodies.reserve(10)
