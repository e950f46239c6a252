"""What a server says besides updates, over real sockets."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.client.fake_servers import (
    StreamPeer,
    closes,
    drops,
    gap,
    heartbeat,
    refuses,
    reset,
    schema,
    sequences,
    stays,
    updates,
    visit,
)
from tiled_client import NodeDeleted, NodeNotFound

ENDS = closes(1000, "Producer ended stream")


def test_a_gap_is_delivered_and_the_next_update_counts_what_was_missed(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(
        visit(schema("e", 9), gap(1, 3), gap(4, 6, "evicted"), updates(7, 8, epoch="e"), ENDS)
    )
    sub = stream_peer.array().subscribe()
    told: list[Any] = []
    sub.gap.add_callback(told.append)
    sub.new_data.add_callback(told.append)
    sub.start(0)
    assert [(g.first, g.last, g.count, g.reason, g.uri) for g in told[:2]] == [
        (1, 3, 3, "expired", "http://h/x"),
        (4, 6, 3, "evicted", "http://h/x"),
    ]
    assert [(u.sequence, u.missed) for u in told[2:]] == [(7, 6), (8, 0)]
    assert told[0].subscription is sub
    assert told[0].node == sub.node
    assert (sub.position, sub.epoch, sub.top) == (8, "e", 9)


def test_after_a_gap_nothing_before_its_end_is_requested(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(schema("e"), updates(1, epoch="e"), gap(2, 5), drops),
        visit(schema("e"), updates(6, epoch="e"), ENDS),
    )
    assert sequences(list(stream_peer.array().updates(0))) == [1, 6]
    assert [query["start"] for query in stream_peer.queries] == ["0", "6"]


def test_a_reset_in_mid_stream_is_delivered_and_followed(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(
            schema("a"), updates(1, 2, epoch="a"), reset("b", "a"), updates(1, 2, epoch="b"), drops
        ),
        visit(schema("b"), updates(3, epoch="b"), ENDS),
    )
    sub = stream_peer.array().subscribe()
    told: list[Any] = []
    sub.reset.add_callback(told.append)
    assert [(u.epoch, u.sequence) for u in sub.updates(0)] == [
        ("a", 1), ("a", 2), ("b", 1), ("b", 2), ("b", 3),
    ]  # fmt: skip
    assert [(r.previous, r.epoch) for r in told] == [("a", "b")]
    assert stream_peer.queries[1]["epoch"] == "b"


def test_a_stale_epoch_that_the_user_gives_is_answered_with_a_reset(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(visit(schema("b"), reset("b", "a"), updates(1, epoch="b"), ENDS))
    sub = stream_peer.array().subscribe()
    told: list[Any] = []
    sub.reset.add_callback(told.append)
    assert sequences(list(sub.updates(8, epoch="a"))) == [1]
    assert (stream_peer.queries[0]["start"], stream_peer.queries[0]["epoch"]) == ("8", "a")
    assert len(told) == 1


def test_silence_of_three_heartbeats_is_a_loss(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(schema("e"), updates(1, epoch="e"), heartbeat(1), heartbeat(1, at=0.1), stays),
        visit(schema("e"), updates(2, epoch="e"), ENDS),
    )
    assert sequences(list(stream_peer.array().updates(0))) == [1, 2]
    assert stream_peer.queries[1]["start"] == "2"


def test_updates_that_a_heartbeat_shows_to_be_missing_are_requested(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(
        visit(schema("e"), updates(1, epoch="e"), heartbeat(3), heartbeat(3, at=30), stays),
        visit(schema("e"), updates(2, 3, epoch="e"), ENDS),
    )
    assert sequences(list(stream_peer.array().updates(0))) == [1, 2, 3]
    assert stream_peer.queries[1]["start"] == "2"


@pytest.mark.parametrize("ending", [closes(4010, "Node deleted"), closes(1000, "Node deleted")])
def test_a_deleted_node_is_an_error_and_not_the_end_of_the_stream(
    stream_peer: StreamPeer, ending: Any
) -> None:
    stream_peer.plays(visit(schema("e"), updates(1, epoch="e"), ending))
    sub = stream_peer.array().subscribe()
    closed: list[Any] = []
    sub.stream_closed.add_callback(closed.append)
    with pytest.raises(NodeDeleted, match="Node deleted"):
        sub.start(0)
    assert isinstance(sub.error, NodeNotFound)
    assert not sub.closed
    assert closed == []
    assert len(stream_peer.queries) == 1


def test_too_many_connections_are_waited_out_as_long_as_the_server_asks(
    stream_peer: StreamPeer,
) -> None:
    refusal = refuses(429, "too many", **{"Retry-After": "0.3"})
    stream_peer.plays(refusal, visit(closes(4029, "too many")), visit(schema(), ENDS))
    assert list(stream_peer.array().updates(0)) == []
    assert len(stream_peer.queries) == 3


def test_a_subscription_knows_how_far_it_is_behind(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema("e", 2), updates(1, 2, epoch="e"), heartbeat(7), stays))
    sub = stream_peer.array().subscribe()
    seen, go_on = threading.Event(), threading.Event()

    @sub.new_data.add_callback
    def hold(_: Any) -> None:
        seen.set()
        go_on.wait(10)

    assert (sub.position, sub.top) == (None, None)
    with sub.start_in_thread(0):
        assert seen.wait(10)
        assert sub.position == 1
        go_on.set()


def test_where_to_begin_and_what_is_wanted_are_said(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema("e"), ENDS))
    wants: dict[str, Any] = {"policy": "latest", "max_rate": 5, "slice": "::2"}
    assert list(stream_peer.array().updates("latest", **wants)) == []
    assert list(stream_peer.array().updates(start_time=1.5)) == []
    said = {key: stream_peer.queries[0][key] for key in ("start", "policy", "max_rate", "slice")}
    assert said == {"start": "latest", "policy": "latest", "max_rate": "5.0", "slice": "::2"}
    assert stream_peer.queries[1]["start_time"] == "1970-01-01T00:00:01.500000Z"
