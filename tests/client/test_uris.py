from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiled_client.uris import Address, node_url, parse_uri, query_of, stream_url

ROOT = "http://host:8000/api/v1"


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("http://host:8000", Address(ROOT, ())),
        ("http://host:8000/", Address(ROOT, ())),
        ("http://host:8000/api", Address(ROOT, ())),
        ("http://host:8000/api/v1/", Address(ROOT, ())),
        ("http://host:8000/api/v1/metadata/", Address(ROOT, ())),
        ("http://host:8000/api/v1/metadata//a/b%20c", Address(ROOT, ("a", "b c"))),
        ("http://host:8000?api_key=abc", Address(ROOT, (), "abc")),
        ("https://host/prefix", Address("https://host/prefix/api/v1", ())),
        ("https://host/prefix/api/v1", Address("https://host/prefix/api/v1", ())),
    ],
)
def test_every_form_of_an_address_is_understood(uri: str, address: Address) -> None:
    assert parse_uri(uri) == address


@pytest.mark.parametrize("uri", ["host:8000", "ftp://host", "http://", "/api/v1"])
def test_an_invalid_url_is_rejected(uri: str) -> None:
    with pytest.raises(ValueError, match="is not a URL"):
        parse_uri(uri)


keys = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/"), min_size=1)


@given(st.lists(keys, max_size=3))
def test_any_key_survives_the_way_through_a_url(path: list[str]) -> None:
    assert parse_uri(node_url(ROOT, "metadata", tuple(path))).path == tuple(path)


def test_the_stream_is_beside_the_rest_of_the_api() -> None:
    assert stream_url(ROOT, ("a b",), [("start", "0")]) == (
        "ws://host:8000/api/v1/stream/single/a%20b?start=0"
    )
    assert stream_url("https://h/p/api/v1", (), [("x", "y")]) == (
        "wss://h/p/api/v1/stream/single/?x=y"
    )


def test_of_a_link_the_query_is_taken() -> None:
    assert query_of("http://else/where ?#?page[cursor]=20&page[limit]=1") == [
        ("page[cursor]", "20"),
        ("page[limit]", "1"),
    ]
