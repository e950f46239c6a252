"""Search, sorting and slicing of containers, with the API of Tiled's client."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import Container, NodeNotFound, from_uri
from tiled_client.queries import (
    ASCENDING,
    DESCENDING,
    AccessTagsFilter,
    Comparison,
    Contains,
    Created,
    Eq,
    FullText,
    In,
    Key,
    KeyPresent,
    KeysFilter,
    Like,
    NotEq,
    NotIn,
    Query,
    Regex,
    SpecQuery,
    SpecsQuery,
    StructureFamilyQuery,
)
from tools.backends.tiled_reference import TiledServer

COUNT = 12


def filled(root: Container) -> Container:
    """A container of a dozen: even ones are red, and the last has something in it."""
    made = root.create_container(f"t{secrets.token_hex(6)}")
    for n in range(COUNT):
        made.create_container(
            f"k{n:02}",
            metadata={
                "n": n,
                "color": ["red", "blue"][n % 2],
                "note": f"a word{n}",
                "motors": [f"m{n}"],
                **({"last": None} if n == COUNT - 1 else {}),
            },
            specs=["even"] if n % 2 == 0 else [],
        )
    made["k11"].create_container("deep", metadata={"n": 100})
    return made


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Container:
    root = from_uri(server.uri, API_KEY)
    assert isinstance(root, Container)
    return filled(root)


@pytest.fixture(scope="module", params=["ours", "tiled"])
def either(request: pytest.FixtureRequest) -> Iterator[Container]:
    """The same on a server of ours and on one of Tiled's."""
    if request.param == "ours":
        yield request.getfixturevalue("client")
        return
    tiled: TiledServer = request.getfixturevalue("tiled_reference")
    root = from_uri(tiled.uri, tiled.api_key)
    assert isinstance(root, Container)
    yield filled(root)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Key("n") == 3, [3]),
        (Eq("color", "red"), [0, 2, 4, 6, 8, 10]),
        (NotEq("color", "red"), [1, 3, 5, 7, 9, 11]),
        (Key("color") != "blue", [0, 2, 4, 6, 8, 10]),
        (Key("n") >= 10, [10, 11]),
        (Key("n") < 1.5, [0, 1]),
        (Comparison("gt", "n", 10), [11]),
        (Key("n") <= 0, [0]),
        (Contains("note", "word1"), [1, 10, 11]),
        (In("n", [1, 2, 99]), [1, 2]),
        (NotIn("n", range(1, COUNT)), [0]),
        (KeyPresent("last"), [11]),
        (KeyPresent("last", exists=False), list(range(11))),
        (Like("note", "%word_"), list(range(10))),
        (FullText("word7"), [7]),
        (SpecQuery("even"), [0, 2, 4, 6, 8, 10]),
        (SpecsQuery([], ["even"]), [1, 3, 5, 7, 9, 11]),
        (StructureFamilyQuery("container"), list(range(12))),
        (StructureFamilyQuery("array"), []),
        (KeysFilter(["k01", "none"]), [1]),
        (AccessTagsFilter(["nobody"]), []),
    ],
)
def test_both_servers_understand_a_query(either: Container, query: Query, found: list[int]) -> None:
    assert list(either.search(query)) == [f"k{n:02}" for n in found]


def test_nodes_are_found_by_when_they_were_created(client: Container) -> None:
    now = datetime.now(UTC)
    assert len(client.search(Created(until=now + timedelta(hours=1)))) == COUNT
    assert list(client.search(Created(since=now + timedelta(hours=1)))) == []
    with pytest.raises(ValueError, match="time zone"):
        client.search(Created(since=datetime(2026, 1, 1))).keys().first()  # noqa: DTZ001


def test_regular_expressions_and_elements_of_lists_are_found(client: Container) -> None:
    assert list(client.search(Regex("note", "WORD[89]$", case_sensitive=False))) == ["k08", "k09"]
    assert list(client.search(Contains("motors", "m3"))) == ["k03"]
    assert list(client.search(Key("motors.0") == "m3")) == ["k03"]


def test_search_results_can_be_searched_again_and_looked_up(either: Container) -> None:
    found = either.search(Key("color") == "red").search(Key("n") > 5)
    assert (list(found), len(found), "k06" in found) == (["k06", "k08", "k10"], 3, True)
    assert found["k06"].metadata["n"] == 6
    with pytest.raises(NodeNotFound):
        found["k07"]
    assert "k07" in either
    assert either.search(Key("n") == 11)["k11/deep"].metadata == {"n": 100}
    assert found != either
    assert found == either.search(Key("color") == "red").search(Key("n") > 5)


def test_children_are_sorted_as_requested(client: Container) -> None:
    by_color = client.sort(("color", ASCENDING), ("n", DESCENDING))
    assert list(by_color)[:2] == ["k11", "k09"]
    assert by_color.keys().last() == "k00"
    assert client.sort("-n").keys().first() == "k11"
    assert list(client.sort("-"))[:2] == ["k11", "k10"]


def test_only_the_slice_of_a_view_is_fetched(either: Container) -> None:
    keys = either.keys()
    every = [f"k{n:02}" for n in range(COUNT)]
    assert (keys.first(), keys.last(), keys[3], keys[-2]) == ("k00", "k11", "k03", "k10")
    assert (keys.head(3), keys.tail(2), keys.tail(0)) == (every[:3], every[-2:], [])
    assert list(reversed(keys)) == every[::-1]
    for part in (slice(2, 5), slice(-5, -2), slice(10, 99), slice(1, -1), slice(None, None, -3)):
        assert keys[part] == every[part]
    newest_first = either.sort("-").keys()
    assert (newest_first[0], newest_first[-1], newest_first[:]) == ("k11", "k00", every[::-1])
    assert [node.metadata["n"] for node in either.values()[1:3]] == [1, 2]
    assert [key for key, _ in either.items().tail(2)] == ["k10", "k11"]
    with pytest.raises(IndexError):
        keys[COUNT]


def test_values_are_counted(either: Container) -> None:
    found: Any = either.distinct("color", structure_families=True, counts=True)
    assert sorted(found["metadata"]["color"], key=lambda row: row["value"]) == [
        {"value": "blue", "count": 6},
        {"value": "red", "count": 6},
    ]
    assert found["structure_families"] == [{"value": "container", "count": COUNT}]
    assert not found["specs"]


def test_nodes_at_all_levels_are_found(either: Container) -> None:
    found = either.search_deep(Key("n") >= 11)
    assert list(found) == [("k11",), ("k11", "deep")]
    assert len(found) == 2
    assert found["k11/deep"].metadata == {"n": 100}
    assert [node.key for node in found.values()] == ["k11", "deep"]
    assert list(either.search_deep(Key("n") >= 11, max_depth=1)) == [("k11",)]
    with pytest.raises(KeyError):
        found["k11", "none"]


def test_a_query_is_neither_true_nor_false() -> None:
    with pytest.raises(TypeError, match="search again"):
        bool(Key("a") == 1)
    with pytest.raises(TypeError, match="list"):
        SpecsQuery("even")
    with pytest.raises(ValueError, match="operator"):
        Comparison("is", "a", 1)
