"""Reading a handshake, and the address that a reference is given."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.handshake import Handshake, reference_uri

LOCAL = {"host": "localhost:8000"}
PROXIED = {"x-forwarded-host": "tiled.example", **LOCAL}


def scope(headers: dict[str, str], query: str = "", **more: Any) -> dict[str, Any]:
    return {
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "query_string": query.encode(),
        "url_route": {"kwargs": {"path": "/a//b"}},
        "scheme": "ws",
        **more,
    }


@pytest.mark.parametrize(
    ("headers", "more", "base_url"),
    [
        (LOCAL, {}, "http://localhost:8000"),
        (LOCAL, {"scheme": "wss"}, "https://localhost:8000"),
        ({"x-forwarded-proto": "https", **PROXIED}, {}, "https://tiled.example"),
        ({"x-forwarded-proto": "wss", **PROXIED}, {}, "https://tiled.example"),
        ({"x-forwarded-proto": "http", **PROXIED}, {"scheme": "wss"}, "http://tiled.example"),
        (LOCAL, {"root_path": "/data"}, "http://localhost:8000/data"),
        ({"x-forwarded-proto": "https, http", **LOCAL}, {}, "https://localhost:8000"),
    ],
)
def test_references_begin_with_the_address_that_the_client_used(
    headers: dict[str, str], more: dict[str, Any], base_url: str
) -> None:
    assert Handshake.read(scope(headers, **more)).base_url == base_url


def test_a_query_says_where_to_begin() -> None:
    handshake = Handshake.read(scope(LOCAL, "start=3&epoch=e&envelope_format=msgpack&other=1"))
    assert (handshake.path, handshake.start, handshake.epoch) == (["a", "b"], 3, "e")
    assert handshake.envelope == "msgpack"


def test_a_reference_is_escaped_and_names_the_region() -> None:
    path = ["a b", "ü/?#%"]
    patch = {"offset": [2, 0], "shape": [1, 3]}
    assert reference_uri("http://h", path, {"patch": patch, "shape": [3, 3]}) == (
        "http://h/api/v1/array/full/a%20b/%C3%BC%2F%3F%23%25?slice=2:3,0:3"
    )
    assert reference_uri("http://h", ["a"], {"patch": None, "shape": [3, 3]}) == (
        "http://h/api/v1/array/full/a?slice=:3,:3"
    )
