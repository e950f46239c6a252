"""Parsing of handshakes, and the URLs of references."""

from __future__ import annotations

from typing import Any

import pytest

from streaming.protocol.subscription_options import SubscriptionOptions
from streaming.sockets.consumers.handshake import Handshake
from streaming.sockets.messages.data_links import reference_uri

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
def test_references_begin_with_the_base_url_of_the_client(
    headers: dict[str, str], more: dict[str, Any], base_url: str
) -> None:
    assert Handshake.read(scope(headers, **more)).base_url == base_url


def test_a_query_sets_the_start() -> None:
    handshake = Handshake.read(scope(LOCAL, "start=3&epoch=e&envelope_format=msgpack&other=1"))
    assert (handshake.path, handshake.options) == (
        ["a", "b"],
        SubscriptionOptions(start=3, epoch="e"),
    )
    assert handshake.envelope == "msgpack"


@pytest.mark.parametrize(
    ("message", "address"),
    [
        (
            {"type": "array-ref", "patch": {"offset": [2, 0], "shape": [1, 3]}, "shape": [3, 3]},
            "array/full/a%20b/%C3%BC%2F%3F%23%25?slice=2:3,0:3",
        ),
        (
            {"type": "array-ref", "patch": None, "shape": [3, 3]},
            "array/full/a%20b/%C3%BC%2F%3F%23%25?slice=:3,:3",
        ),
        (
            {"type": "table-ref", "partition": 1, "rows": {"offset": 10, "count": 5}},
            "table/partition/a%20b/%C3%BC%2F%3F%23%25?partition=1&rows=10:15",
        ),
        (
            {"type": "table-ref", "partition": None, "rows": {"offset": 10, "count": 5}},
            "table/full/a%20b/%C3%BC%2F%3F%23%25?rows=10:15",
        ),
        (
            {"type": "table-ref", "partition": None, "rows": None},
            "table/full/a%20b/%C3%BC%2F%3F%23%25",
        ),
    ],
)
def test_a_reference_is_escaped_and_selects_the_new_part(
    message: dict[str, Any], address: str
) -> None:
    path = ["a b", "ü/?#%"]
    assert reference_uri("http://h", path, message) == f"http://h/api/v1/{address}"
