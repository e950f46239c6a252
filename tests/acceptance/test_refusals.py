"""What clients make of refusals, and of what is hard to deliver.

The statuses, bodies and close codes themselves are in the recordings, which are replayed.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack

import numpy as np
import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import NodeNotFound, Unavailable, from_uri

from .client_processes import OURS, TILED, ClientProcesses


@pytest.fixture(scope="session")
def silent(server: RunningServer, runserver: RunningServer) -> Iterator[list[ClientConnection]]:
    """Who has connected to each server without a key, long ago, and said nothing since."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                connect(f"{site.uri.replace('http', 'ws', 1)}/api/v1/stream/single/", proxy=None)
            )
            for site in (server, runserver)
        ]


def test_a_subscription_to_a_missing_node_is_refused_at_once(
    silent: list[ClientConnection], site: RunningServer
) -> None:
    container = from_uri(site.uri, api_key=API_KEY).create_container(secrets.token_hex(4))
    container.delete()
    begun = time.monotonic()
    with pytest.raises(NodeNotFound, match="No such entry"):
        container.subscribe().start_in_thread()
    assert time.monotonic() - begun < 5


def test_without_a_streaming_cache_a_subscription_is_told_that_there_are_no_streams(
    uncached_site: str,
) -> None:
    client = from_uri(uncached_site, api_key=API_KEY)
    with pytest.raises(Unavailable, match="no streaming cache"):
        client.subscribe().start_in_thread(timeout=2)


def test_the_unmodified_client_is_told_why_it_is_refused(
    site: RunningServer, client_processes: ClientProcesses
) -> None:
    key = f"x{secrets.token_hex(4)}"
    process = client_processes.process("subscriber", TILED)
    process.run("refused", site.uri, key)
    process.finishes(f"404 No such entry: ['{key}']")


@pytest.mark.parametrize("client", [OURS, TILED])
def test_large_updates_and_the_end_of_a_burst_arrive(
    site: RunningServer, client_processes: ClientProcesses, client: str
) -> None:
    size = 400_000
    array = from_uri(site.uri, api_key=API_KEY).write_array(np.zeros(size))
    process = client_processes.process("subscriber", client)
    process.run("watch_large", site.uri, array.key)
    process.prints(f"1 {8 * size} 0.0")
    for number in range(2, 12):
        array.write(np.full(size, number), persist=False)
    array.close_stream()
    process.finishes(*(f"{n} {8 * size} {float(n)}" for n in range(2, 12)), "returned")


def test_who_says_nothing_is_told_that_the_first_message_is_missing(
    silent: list[ClientConnection],
) -> None:
    for connection in silent:
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4001
        assert "within 10 seconds" in closed.value.rcvd.reason


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_an_address_that_there_is_not_is_not_found_by_any_method(
    site: RunningServer, method: str
) -> None:
    headers = {"Authorization": f"Apikey {API_KEY}"}
    answer = requests.request(method, f"{site.uri}/api/v1/nowhere/x", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
