"""What a server spends on clients that are slow, or many, over real connections; scaled down."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import numpy as np
import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.servers import RunningServer, own_database, running
from tiled_client import ArrayClient, from_uri

KEY = "secret"
MIB = 1 << 20
SETTINGS = {
    "TILED_BUDGETS_BODY_STALL": "1",
    "TILED_BUDGETS_READ_STALL": "1.5",
    "TILED_BUDGETS_ANSWER_BYTES": str(24 * MIB),
    "TILED_BUDGETS_REQUESTS_PER_ADDRESS": "5",
    "TILED_BUDGETS_CONNECTIONS": "60",
    "TILED_STREAMING_CACHE_CONNECTIONS_PER_KEY": "8",
    "TILED_STREAMING_CACHE_CONNECTIONS_PER_ADDRESS": "3",
    "TILED_STREAMING_CACHE_MAX_UNAUTHENTICATED_CONNECTIONS": "4",
    "TILED_AUTHENTICATION_ALLOW_ANONYMOUS_ACCESS": "true",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A public server with two workers and small limits."""
    options = ("serve", "--port", "0", "--workers", "2", "--api-key", KEY)
    folder = tmp_path_factory.mktemp("limits")
    with own_database() as database, running(folder, *options, **SETTINGS, **database) as server:
        yield server


@pytest.fixture(scope="module")
def large(site: RunningServer) -> ArrayClient:
    """An array whose answer fits once into the budget of a worker."""
    return from_uri(site.uri, api_key=KEY).write_array(np.arange(16 * MIB // 8))


def opened(site: RunningServer, head: str, *fields: str) -> socket.socket:
    where = urlsplit(site.uri)
    line = socket.create_connection((where.hostname, where.port), timeout=20)
    lines = [f"{head} HTTP/1.1", "Host: localhost", f"Authorization: Apikey {KEY}", *fields]
    line.sendall("".join(f"{one}\r\n" for one in lines).encode() + b"\r\n")
    return line


def answer(line: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, fields and what came of the body, up to the end of the connection."""
    said = b""
    with suppress(ConnectionError):
        while more := line.recv(65536):
            said += more
    head, _, body = said.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    fields = dict(one.lower().split(": ", 1) for one in rest)
    return int(first.split()[1]) if first else 0, fields, body


def eventually(happens: Callable[[], bool], seconds: float = 15.0) -> bool:
    deadline = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_an_unfinished_body_returns_408_and_its_file_is_deleted(
    site: RunningServer, large: ArrayClient
) -> None:
    path, length = f"/api/v1/array/full/{large.key}", 30 * MIB
    before = site.unnamed_bytes()
    with opened(site, f"PUT {path}", f"Content-Length: {length}") as line:
        line.sendall(bytes(20 * MIB))
        assert eventually(lambda: site.unnamed_bytes() >= before + 16 * MIB)
        status, _, body = answer(line)
    assert status == 408
    assert "budgets.body_stall" in json.loads(body)["detail"]
    assert eventually(lambda: site.unnamed_bytes() == before)


def test_small_bodies_that_do_not_end_leave_room_for_others(
    site: RunningServer, large: ArrayClient
) -> None:
    path = f"/api/v1/array/full/{large.key}"
    with ExitStack() as lines:
        slow = [
            lines.enter_context(opened(site, f"PUT {path}", "Content-Length: 1000"))
            for _ in range(20)
        ]
        assert {answer(line)[0] for line in slow} == {408}
    assert requests.get(f"{site.uri}/healthz", timeout=20).status_code == 200


def test_a_client_that_does_not_read_is_disconnected_while_others_get_503(
    site: RunningServer, large: ArrayClient
) -> None:
    path = f"/api/v1/array/full/{large.key}?format=npy"
    with ExitStack() as lines:
        for _ in range(6):
            lines.enter_context(opened(site, f"GET {path}"))
        refused = lambda: requests.get(f"{site.uri}{path}", timeout=20)  # noqa: E731
        full: list[requests.Response] = []

        def is_full() -> bool:
            with suppress(requests.ConnectionError):
                full.append(refused())
            return bool(full) and full[-1].status_code == 503

        assert eventually(is_full)
        assert "budgets.answer_bytes" in full[-1].json()["detail"]
        assert int(full[-1].headers["Retry-After"]) > 0
        # Those that do not read are gone soon, and with them what they held.
        assert eventually(lambda: refused().status_code == 200)
    assert "budgets.read_stall" in site.log


def test_requests_of_one_address_are_bounded(site: RunningServer, large: ArrayClient) -> None:
    path, client = f"/api/v1/array/full/{large.key}", "X-Forwarded-For: 192.0.2.7"
    with ExitStack() as lines:
        for _ in range(40):
            body = "Content-Length: 100"
            lines.enter_context(opened(site, f"PUT {path}", client, body))

        def told(address: str) -> int:
            headers = {"X-Forwarded-For": address, "Connection": "close"}
            return requests.get(f"{site.uri}/healthz", headers=headers, timeout=20).status_code

        assert eventually(lambda: told("192.0.2.7") == 429, 5)
        assert told("192.0.2.8") == 200


def test_connections_beyond_the_limit_are_refused_in_a_sentence(site: RunningServer) -> None:
    where = urlsplit(site.uri)
    with ExitStack() as lines:
        idle = [
            lines.enter_context(socket.create_connection((where.hostname, where.port), timeout=20))
            for _ in range(160)
        ]
        statuses = []
        for line in idle[-30:]:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            statuses.append(answer(line)[0])
        assert 503 in statuses
    assert eventually(lambda: requests.get(f"{site.uri}/healthz", timeout=20).ok)


def stream(site: RunningServer, path: str, address: str, key: str | None) -> ClientConnection:
    uri = f"{site.uri}/api/v1/stream/single/{path}".replace("http", "ws", 1)
    fields = {"X-Forwarded-For": address}
    if key:
        fields["Authorization"] = f"Apikey {key}"
    return connect(uri, additional_headers=fields)


def refusals(site: RunningServer, path: str, key: str | None, addresses: list[str]) -> list[str]:
    """From which of `addresses` a socket was refused, with those before still open."""
    refused = []
    with ExitStack() as sockets:
        for address in addresses:
            try:
                live = sockets.enter_context(stream(site, path, address, key))
                live.recv(timeout=20)
            except InvalidStatus as error:
                assert error.response.status_code == 429
                assert error.response.headers["Retry-After"]
                refused.append(address)
    return refused


def test_sockets_of_a_key_and_of_an_address_are_counted_over_all_workers(
    site: RunningServer, large: ArrayClient
) -> None:
    assert refusals(site, large.key, KEY, ["192.0.2.1"] * 11) == ["192.0.2.1"] * 3
    several = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8:0:1::1"]
    assert refusals(site, large.key, None, several) == ["2001:db8::4"]
    assert refusals(site, large.key, None, several) == ["2001:db8::4"]
    assert " ERROR " not in site.log
