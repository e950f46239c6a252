"""Division of the nodes among the shards of a site."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streaming.address import split_addresses
from streaming.config import StreamingCacheSettings
from streaming.rendezvous import choose
from streaming.shards import shard_name, shards

NODES = st.lists(st.uuids(), min_size=1, max_size=200)
NAMES = st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=8, unique=True)


@given(NAMES, st.text(min_size=1), NODES)
def test_a_shard_that_is_added_takes_nodes_and_no_other_node_moves(
    names: list[str], added: str, nodes: list[uuid.UUID]
) -> None:
    names = [name for name in names if name != added] or [f"{added}+"]
    for node in nodes:
        before, after = choose(names, node.bytes), choose([added, *names], node.bytes)
        assert after in (before, added)


@given(NAMES, NODES)
def test_a_shard_that_is_removed_loses_its_nodes_and_no_other_node_moves(
    names: list[str], nodes: list[uuid.UUID]
) -> None:
    *left, removed = [*names, "removed"] if len(names) == 1 else names
    for node in nodes:
        before = choose([removed, *left], node.bytes)
        assert before == removed or choose(left, node.bytes) == before


def test_each_shard_has_about_the_same_number_of_nodes() -> None:
    names = [f"10.0.0.{number}:6379" for number in range(5)]
    nodes = [uuid.UUID(int=number) for number in range(20_000)]
    counts = Counter(choose(names, node.bytes) for node in nodes)
    # Six standard deviations of a binomial distribution.
    assert all(abs(count - 4000) < 6 * 57 for count in counts.values()), counts


def test_addresses_are_separated_where_a_scheme_begins() -> None:
    one, two = "redis+sentinel://a,b:1/service", "rediss://:x@c/2#C"
    assert split_addresses(f"{one},{two}, unix:///d") == (one, two, "unix:///d")


def test_addresses_may_be_a_list_and_each_redis_is_named_once() -> None:
    one, two = "redis://:x@a", "redis+sentinel://b,c/streams"
    listed = StreamingCacheSettings.model_validate({"uri": [one, two]})
    assert listed == StreamingCacheSettings(uri=f"{one},{two}")
    assert [shard_name(shard) for shard in shards(listed)] == ["a:6379", "streams"]
    assert listed.retained_seconds == 10
    for wrong, reason in ((f"{one},redis://:y@a", "a:6379 more than once"), (f"{one},", "address")):
        with pytest.raises(ValidationError, match=reason):
            StreamingCacheSettings(uri=wrong)
