"""Events of a node's stream, by their laws, without a connection."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.fake_servers import NOON, schema_message, update
from tiled_client import Gap, NotSupported, Reset, StreamLost
from tiled_client.stream.engine.node_feed import NodeFeed
from tiled_client.stream.protocol.event_origin import EventOrigin
from tiled_client.stream.protocol.position import Position
from tiled_client.stream.protocol.subscription_options import SubscriptionOptions
from tiled_client.stream.updates import Update


def feed(start: Any = 0, epoch: str | None = None, **wants: Any) -> NodeFeed:
    origin = EventOrigin(None, ("x",), SimpleNamespace(structure=None))  # type: ignore[arg-type]
    return NodeFeed(origin, Position(start, epoch=epoch), SubscriptionOptions.parse(**wants))


def gap(first: int, last: int, epoch: str = "e") -> dict[str, Any]:
    return {"type": "gap", "epoch": epoch, "from": first, "to": last, "reason": "expired"}


def beat(top: int, at: float, epoch: str | None = "e") -> dict[str, Any]:
    moment = (NOON + timedelta(seconds=at)).isoformat()
    return {"type": "heartbeat", "epoch": epoch, "sequence": top, "timestamp": moment}


def reset(epoch: str | None, previous: str | None = None) -> dict[str, Any]:
    return {"type": "reset", "epoch": epoch, "previous": previous, "sequence": 0}


def heard(feed: NodeFeed, *messages: dict[str, Any]) -> list[Any]:
    events = [event for message in messages for event in feed.receive(message)]
    return [event for event in events if isinstance(event, (Update, Gap, Reset))]


spans = st.lists(st.tuples(st.booleans(), st.integers(1, 5)), max_size=12)


@given(spans, st.lists(st.integers(0, 12), max_size=4))
def test_every_number_is_delivered_or_in_a_gap_once_whatever_is_repeated(
    told: list[tuple[bool, int]], losses: list[int]
) -> None:
    """The server says spans of updates or gaps; after a loss it repeats some of them."""
    messages: list[dict[str, Any]] = []
    top = 0
    for present, count in told:
        span = range(top + 1, top + count + 1)
        top += count
        messages += [update(n, epoch="e") for n in span] if present else [gap(span[0], span[-1])]
    it = feed()
    events: list[Any] = []
    for again in [*losses, 0]:
        it.on_connected()
        events += heard(it, schema_message("e", top), *messages[: len(messages) - again])
        assert it.position.to_params() == {"start": 0, "epoch": "e"} or it.position.last is not None
    numbers: list[int] = []
    missing = 0
    for event in events:
        if isinstance(event, Gap):
            numbers += range(event.first, event.last + 1)
            missing += event.count
        else:
            numbers.append(event.sequence)
            assert event.missed == missing
            missing = 0
    assert numbers == list(range(1, top + 1))
    assert it.top == top


@pytest.mark.parametrize("schema_epoch", ["a", "b"])
def test_a_restart_of_the_numbering_is_announced_once_however_often_it_is_sent(
    schema_epoch: str,
) -> None:
    it = feed(start=8, epoch="a")
    events = heard(
        it,
        schema_message(schema_epoch, 2),
        reset("b", "a"),
        update(1, epoch="b"),
        update(2, epoch="b"),
    )
    assert isinstance(events[0], Reset)
    assert (events[0].epoch, events[0].previous) == ("b", "a")
    assert [event.sequence for event in events[1:]] == [1, 2]


def test_a_start_beyond_the_end_is_a_reset_within_the_epoch() -> None:
    events = heard(feed(start=100), schema_message("e", 2), reset("e"), update(1, epoch="e"))
    assert [type(event).__name__ for event in events] == ["Reset", "ArrayUpdate"]


def test_a_stream_that_was_emptied_is_followed_into_its_next_epoch() -> None:
    it = feed()
    events = heard(
        it, schema_message("a", 1), update(1, epoch="a"), reset(None, "a"), update(1, epoch="b")
    )
    assert [type(event).__name__ for event in events] == ["ArrayUpdate", "Reset", "ArrayUpdate"]
    assert it.position.to_params() == {"start": 2, "epoch": "b"}


def test_a_heartbeat_ahead_of_what_came_is_believed_when_the_next_finds_nothing_new() -> None:
    it = feed()
    assert heard(it, schema_message("e", 1), update(1, epoch="e"), beat(2, 0))
    # What the first was ahead of comes meanwhile.
    heard(it, update(2, epoch="e"), beat(3, 10))
    with pytest.raises(StreamLost, match="after 2"):
        it.receive(beat(3, 20))
    assert it.interval == 10
    assert it.position.to_params() == {"start": 3, "epoch": "e"}
    # Asked for again, it does not come: it is not for this subscriber.
    it.on_connected()
    heard(it, schema_message("e", 3), beat(3, 30), beat(3, 40), beat(4, 50))


@pytest.mark.parametrize("wants", [{"slice": "::2"}, {"max_rate": 0.1}])
def test_a_filtered_subscription_waits_without_requesting_missing_updates(
    wants: dict[str, Any],
) -> None:
    it = feed(**wants)
    heard(it, schema_message("e", 1), update(1, epoch="e"), beat(2, 0), beat(3, 10), beat(4, 20))
    assert it.top == 4


def test_a_heartbeat_of_another_epoch_means_that_something_was_lost() -> None:
    it = feed()
    heard(it, schema_message("a", 1), update(1, epoch="a"))
    with pytest.raises(StreamLost, match="restarted"):
        it.receive(beat(1, 0, epoch="b"))


def test_a_server_without_slices_is_not_sent_any() -> None:
    with pytest.raises(NotSupported, match="as it was written"):
        feed(slice="::2").receive(schema_message())
    assert heard(feed(policy="block"), schema_message(), update(1))


def test_a_jump_of_tileds_numbers_is_no_gap() -> None:
    """An end of the stream takes a number there."""
    first, second = heard(feed(), schema_message(), update(1), update(3))
    assert (first.missed, second.missed) == (0, 0)
