"""Malformed requests are answered: by a status below 500, or a close frame."""

from __future__ import annotations

import json
import re
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import quote_from_bytes, urlsplit

import msgpack
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from core.errors import ServiceError
from streaming.sockets.consumers.handshake import Handshake, first_message_credentials

from ..websocket_client import Site

NUMBERS = st.integers().map(str) | st.floats().map(str) | st.just("9" * 5000) | st.text()
TERMS = ["start", "start_time", "epoch", "features", "policy", "max_rate", "slice", "columns"]
NAMES = st.sampled_from([*TERMS, "envelope_format", "access_token", "path", ""])
WORDS = st.sampled_from(
    ["latest", "block", "gap,reset", "json", "msgpack", "::2,:3", "0:9", "1e9", "-1", "nan", "٣"]
)
PAIRS = st.tuples(NAMES, (NUMBERS | WORDS).map(lambda text: text.encode(errors="replace")))
QUERIES = st.binary() | st.lists(PAIRS).map(
    lambda pairs: "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs).encode()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
AUTH = st.fixed_dictionaries({"type": st.just("auth"), "api_key": JSON})
JSON_WITHOUT_SURROGATES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
CONTROLS = st.fixed_dictionaries(
    {"type": st.sampled_from(["subscribe", "unsubscribe"]), "id": st.just("a")},
    optional=dict.fromkeys([*TERMS, "path", "recursive"], JSON_WITHOUT_SURROGATES | WORDS),
)
FIRST_MESSAGES = st.text() | (JSON | AUTH).map(json.dumps)


@given(QUERIES, st.text(), st.lists(st.tuples(st.binary(), st.binary())))
@example(b"start=" + b"9" * 5000, "", [])
@example(b"", "", [(b"\xff", b"")])
@example(b"", "", [(b"authorization", b"Apikey \xff")])
def test_any_handshake_is_parsed_or_rejected_with_a_detail(
    query: bytes, path: str, headers: list[tuple[bytes, bytes]]
) -> None:
    scope: dict[str, Any] = {
        "query_string": query,
        "headers": headers,
        "url_route": {"kwargs": {"path": path}},
    }
    with suppress(ServiceError):
        Handshake.read(scope)


@given(FIRST_MESSAGES | st.none())
@example("[" * 8000)
@example('{"type": "auth", "api_key": "\\ud800"}')
def test_any_first_message_is_parsed_or_rejected_with_a_detail(text: str | None) -> None:
    with suppress(ServiceError):
        first_message_credentials(text)


@pytest.fixture(scope="module", params=["server", "runserver"])
def array(request: pytest.FixtureRequest) -> tuple[Site, str]:
    site = Site(request.getfixturevalue(request.param))
    return site, site.array()


# A longer request line is rejected by the server before it is parsed.
LONGEST = 4000
FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FEW
@given(query=QUERIES.map(lambda raw: quote_from_bytes(raw, safe="=&%+")[:LONGEST]))
@example(query="start=" + "9" * LONGEST)
@example(query="start=99999999999999999999")
def test_a_server_answers_any_query(array: tuple[Site, str], query: str) -> None:
    site, path = array
    try:
        with site.socket(f"/{path}?{query}") as live:
            live.next()
    except InvalidStatus as refused:
        assert 400 <= refused.response.status_code < 500


@FEW
@given(path=st.binary(max_size=300).map(quote_from_bytes))
@example(path="%00")
@example(path="a/" * 1000)
def test_a_server_answers_any_path(array: tuple[Site, str], path: str) -> None:
    site, _ = array
    try:
        with site.socket(f"/{path}") as live:
            live.next()
    except InvalidStatus as refused:
        assert 400 <= refused.response.status_code < 500


@FEW
@given(message=FIRST_MESSAGES | st.binary())
@example(message='{"type": "auth", "api_key": 1}')
@example(message='{"type": "auth", "api_key": "\\ud800"}')
@example(message='{"type": "auth", "api_key": "s\\u00e9cret"}')
@example(message="[" * 8000)
def test_a_server_closes_on_any_wrong_first_message_with_a_code(
    array: tuple[Site, str], message: str | bytes
) -> None:
    site, path = array
    with site.socket(f"/{path}", key=None) as unknown:
        with suppress(ConnectionClosedError):
            unknown.connection.send(message)
        code, _ = unknown.closing()
        assert code in {1007, 1009, 4001, 4003}


@FEW
@given(
    message=FIRST_MESSAGES
    | st.binary()
    | (JSON | CONTROLS).map(json.dumps)
    | (JSON_WITHOUT_SURROGATES | CONTROLS).map(msgpack.packb)
)
@example(message="[" * 8000)
@example(message=b"\xc1")
@example(message=b"\x91" * 8000)
@example(message='{"type": "subscribe", "id": "a", "path": "", "start": 1e400}')
def test_a_connection_for_many_nodes_answers_anything_and_stays(
    array: tuple[Site, str], message: str | bytes
) -> None:
    site, path = array
    with site.multi() as many:
        many.connection.send(message)
        many.send_command(type="subscribe", id="last", path=path)
        while (said := many.next())[0] != "last":
            assert said[2]["type"] != "error" or 400 <= said[2]["status"] < 500


HANDSHAKE = (
    "GET /api/v1/stream/single/{path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\nAuthorization: Apikey secret\r\n{header}\r\n"
)


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("\xff", ""),
        ("?start=\xff", ""),
        ("", "X-\xff: 1\r\n"),
        ("", "Authorization: Apikey \xff\r\n"),
        ("", "Sec-WebSocket-Protocol: \xff\r\n"),
        ("", "X-Forwarded-Host: \xff\r\n"),
        ("a" * 10_000, ""),
        ("", f"X-Long: {'a' * 10_000}\r\n"),
        ("", "".join(f"X-{number}: 1\r\n" for number in range(300))),
    ],
    ids=range(9),
)
def test_a_server_answers_any_handshake(array: tuple[Site, str], path: str, header: str) -> None:
    address = urlsplit(array[0].api)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(HANDSHAKE.format(path=path, header=header).encode("latin-1"))
        answer = connection.recv(100)
    assert re.match(rb"HTTP/1.1 (101|4\d\d) ", answer), answer
