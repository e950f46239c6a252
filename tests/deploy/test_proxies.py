"""The examples of the proxies in front of a real server, with TLS and both Python clients."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgpack
import numpy as np
import pytest
import requests
import urllib3
from websockets.sync.client import ClientConnection, connect

from tests.acceptance.client_processes import OURS, TILED, ClientProcesses
from tests.conftest import API_KEY
from tests.deploy.proxies import ORDINARY_TIMEOUT, PROXIES, Proxy, make_certificate
from tests.servers import RunningServer
from tiled_client import from_uri

KEY = {"Authorization": f"Apikey {API_KEY}"}
PATIENCE = 60
# Of these there is a new one with each request; a server that throttles by address has one of each.
MOST_ATTEMPTS = 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A certificate that the clients of this process, and of those that it starts, trust."""
    made = make_certificate(tmp_path_factory.mktemp("proxies"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(made))
        patch.setenv("REQUESTS_CA_BUNDLE", str(made))
        yield made


@pytest.fixture(scope="module", params=PROXIES)
def proxy(
    request: pytest.FixtureRequest, server: RunningServer, certificate: Path
) -> Iterator[Proxy]:
    with PROXIES[request.param](server.uri, certificate) as running:
        yield running


@pytest.fixture(scope="module")
def client_processes(certificate: Path) -> Iterator[ClientProcesses]:
    """Processes of both clients that trust the certificate."""
    made = ClientProcesses()
    yield made
    made.clear()


def subscribe(stack: ExitStack, proxy: Proxy, path: str, key: str) -> ClientConnection:
    """Open a WebSocket that sends nothing by itself."""
    trust = ssl.create_default_context(cafile=proxy.certificate)
    uri = f"{proxy.uri.replace('https', 'wss')}{path}/api/v1/stream/single/{key}"
    opened = connect(
        f"{uri}?envelope_format=msgpack",
        ssl=trust,
        additional_headers=KEY,
        ping_interval=None,
        max_size=None,
    )
    return stack.enter_context(opened)


def test_silent_websockets_stay_open_and_get_the_next_update(proxy: Proxy) -> None:
    key = f"x{secrets.token_hex(4)}"
    array = from_uri(proxy.uri, api_key=API_KEY).write_array(np.arange(3), key=key)
    with ExitStack() as stack:
        sockets = [subscribe(stack, proxy, path, key) for path in ("", "/tiled")]
        begun = time.monotonic()
        for socket in sockets:
            assert msgpack.unpackb(socket.recv(PATIENCE))["type"] == "array-schema"
        # Longer than what ends a connection without its timeout for WebSockets.
        with pytest.raises(TimeoutError):
            sockets[0].recv(ORDINARY_TIMEOUT + 1)
        assert time.monotonic() - begun > ORDINARY_TIMEOUT
        array.write(np.arange(3) + 10)
        for socket in sockets:
            update = msgpack.unpackb(socket.recv(PATIENCE))
            assert np.frombuffer(update["payload"], "<i8").tolist() == [10, 11, 12]


@pytest.mark.parametrize("path", ["", "/tiled"])
def test_large_arrays_are_uploaded_and_read_with_tls(proxy: Proxy, path: str) -> None:
    client = from_uri(f"{proxy.uri}{path}", api_key=API_KEY)
    values = np.random.default_rng(1).integers(0, 255, (40, 1 << 20), dtype="u1")
    array = client.write_array(values, key=f"large{secrets.token_hex(4)}")
    assert (array.read() == values).all()


@pytest.mark.parametrize("path", ["", "/tiled"])
def test_addresses_and_queries_pass_and_only_addresses_are_logged(proxy: Proxy, path: str) -> None:
    def get(address: str) -> requests.Response:
        headers = {**KEY, "X-Forwarded-Prefix": "/elsewhere"}
        return requests.get(f"{api}/{address}", headers=headers, timeout=PATIENCE)

    api, key = f"{proxy.uri}{path}/api/v1", f"t{secrets.token_hex(4)}"
    from_uri(f"{proxy.uri}{path}", api_key=API_KEY).write_table({"a": [1, 2]}, key=key)
    assert get(f"table/full/{key}?format=text/csv;header=absent").text.split() == ["1", "2"]
    assert get("metadata/a%2Fb").status_code == 404
    assert get(f"metadata/{key}").json()["data"]["links"]["self"] == f"{api}/metadata/{key}"
    logged = proxy.log.read_text()
    assert f"{path}/api/v1/table/full/{key}" in logged
    assert "header=absent" not in logged


def test_clients_are_throttled_by_their_own_addresses(proxy: Proxy) -> None:
    number = 10 + list(PROXIES).index(proxy.name)

    def attempt(address: str) -> int:
        """Return the status of a guess from a local address, which claims to be another one."""
        trust = ssl.create_default_context(cafile=proxy.certificate)
        claimed = f"203.0.113.{secrets.randbelow(250)}"
        headers = {"Authorization": "Apikey " + secrets.token_hex(16), "X-Forwarded-For": claimed}
        with urllib3.PoolManager(ssl_context=trust, source_address=(address, 0)) as pool:
            return pool.request(
                "GET", f"{proxy.uri}/api/v1/metadata/", headers=headers, retries=False
            ).status

    guesses = (attempt(f"127.0.0.{number}") for _ in range(MOST_ATTEMPTS))
    assert 429 in guesses
    assert attempt(f"127.0.1.{number}") == 401
    assert f"127.0.0.{number}" in proxy.log.read_text()


@pytest.mark.parametrize(("path", "writing"), [("", OURS), ("/tiled", TILED)])
def test_both_clients_write_and_subscribe(
    proxy: Proxy, client_processes: ClientProcesses, path: str, writing: str
) -> None:
    uri, key = f"{proxy.uri}{path}", f"x{secrets.token_hex(4)}"
    writer = client_processes.process("writer", writing)
    subscriber = client_processes.process("subscriber", OURS if writing == TILED else TILED)
    writer.run("write_and_extend", uri, key)
    writer.say()
    writer.prints("[1 2 3 4 5 6]")
    subscriber.run("watch_data", uri, key, 0)
    subscriber.prints_until("[4 5 6]")
    writer.say()
    writer.finishes()
    subscriber.prints("offset: (6,)", "[7 8 9]")
    subscriber.prints_until("done")
    subscriber.busy = False
