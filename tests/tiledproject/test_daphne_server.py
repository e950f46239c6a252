"""The development server, under an application that is made to be hard on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the probe server listens, without a scheme."""
    folder = tmp_path_factory.mktemp("data")
    surroundings = {
        "DJANGO_SETTINGS_MODULE": "tiledproject.settings",
        "TILED_SERVER_DATA_DIR": str(folder),
        "PYTHONPATH": os.pathsep.join([os.getcwd(), "client"]),
    }
    server = subprocess.Popen(
        [sys.executable, "tests/tiledproject/probe_server.py"],
        env={**os.environ, **surroundings},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    yield f"127.0.0.1:{server.stdout.readline().strip()}"
    server.kill()
    server.communicate()


def burst(address: str, name: str, count: int, size: int, code: int = 1000) -> connect:
    query = f"name={name}&count={count}&size={size}&code={code}&reason=Producer+ended+stream"
    return connect(f"ws://{address}/burst?{query}", max_size=None, compression=None, max_queue=1)


def drain(subscriber: connect) -> tuple[list[int], ConnectionClosed]:
    """Connect, and return the length of every frame up to the close."""
    with subscriber as connection:
        return receive_all(connection)


def receive_all(connection: ClientConnection) -> tuple[list[int], ConnectionClosed]:
    """The length of every frame up to the close."""
    lengths = []
    try:
        while True:
            lengths.append(len(connection.recv(timeout=20)))
    except ConnectionClosed as closed:
        return lengths, closed


def test_a_refused_handshake_carries_status_headers_and_body(address: str) -> None:
    with pytest.raises(InvalidStatus) as refusal, connect(f"ws://{address}/deny"):
        pass
    response = refusal.value.response
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.body == b'{"detail":"Invalid API key"}'


@pytest.mark.parametrize(("path", "status"), [("reject", 403), ("fail", 500)])
def test_a_handshake_without_a_response_is_refused_too(
    address: str, path: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refusal, connect(f"ws://{address}/{path}"):
        pass
    assert refusal.value.response.status_code == status


def test_everything_sent_before_a_close_arrives_with_code_and_reason(address: str) -> None:
    lengths, closed = drain(burst(address, "tail", count=1000, size=100_000))
    assert lengths == [100_000] * 1000
    assert closed.rcvd is not None
    assert (closed.rcvd.code, closed.rcvd.reason) == (1000, "Producer ended stream")


def test_a_message_may_be_far_larger_than_a_megabyte(address: str) -> None:
    lengths, _ = drain(burst(address, "large", count=1, size=70 * MEGABYTE))
    assert lengths == [70 * MEGABYTE]


@pytest.mark.parametrize("code", [1011, 1012, 1013, 4003])
def test_every_close_code_of_the_standard_is_passed_on(address: str, code: int) -> None:
    _, closed = drain(burst(address, "codes", count=0, size=0, code=code))
    assert closed.rcvd is not None
    assert closed.rcvd.code == code


def test_an_empty_frame_is_a_frame(address: str) -> None:
    lengths, _ = drain(connect(f"ws://{address}/empty"))
    assert lengths == [0]


def test_a_stalled_reader_is_waited_for_and_loses_nothing(address: str) -> None:
    with burst(address, "stalled", count=100, size=MEGABYTE) as stalled:
        lengths, _ = drain(burst(address, "brisk", count=100, size=MEGABYTE))
        assert len(lengths) == 100
        sent = requests.get(f"http://{address}/sent", timeout=10).json()
        # What has left the server lies in the buffers of the two sockets.
        assert sent["stalled"] < 50
        lengths, _ = receive_all(stalled)
        assert len(lengths) == 100


@pytest.mark.parametrize("size", [9_000, 20 * MEGABYTE])
def test_an_oversized_message_closes_the_connection_with_the_reason(
    address: str, size: int
) -> None:
    with (
        connect(f"ws://{address}/listen", compression=None) as connection,
        pytest.raises(ConnectionClosed) as closed,
    ):
        connection.send(bytes(size))
        connection.recv(timeout=20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
