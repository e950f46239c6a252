"""Subscriptions against a scripted server, over real sockets."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import numpy as np
import pytest

from tests.client.fake_servers import (
    StreamPeer,
    closes,
    drops,
    refuses,
    says,
    schema,
    sequences,
    stays,
    update,
    updates,
    visit,
)
from tiled_client import (
    BadRequest,
    DataSubscription,
    Forbidden,
    Invalid,
    InvalidResponse,
    NodeNotFound,
    RequestRejected,
    StreamLost,
    StreamTimeout,
    TransportError,
    Unauthorized,
    Unavailable,
)

ENDS = closes(1000, "Producer ended stream")


def hear(subscription: DataSubscription, start: int | None = None) -> list[Any]:
    """Everything that the subscription hands out until its end."""
    heard: list[Any] = []
    subscription.new_data.add_callback(heard.append)
    subscription.start_in_thread(start)
    assert subscription.wait(10)
    return heard


def test_updates_arrive_in_order_and_the_end_of_the_stream_closes_the_subscription(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2, 3), ENDS))
    subscription = stream_peer.array().subscribe()
    ends: list[tuple[str, bool]] = []
    subscription.stream_closed.add_callback(lambda s: ends.append(("closed", s.closed)))
    subscription.disconnected.add_callback(lambda s: ends.append(("disconnected", s.closed)))

    heard = hear(subscription, 0)

    assert sequences(heard) == [1, 2, 3]
    assert heard[0].offset == (0,)
    np.testing.assert_array_equal(heard[2].data(), [3])
    assert ends == [("closed", True), ("disconnected", True)]
    assert subscription.closed
    assert subscription.error is None


def test_the_key_and_the_start_are_sent_with_the_handshake(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), ENDS))
    hear(stream_peer.array().subscribe(), 7)
    features = "gap,reset,heartbeat,child-deleted,table-ref"
    expected = {"envelope_format": "msgpack", "features": features, "start": "7"}
    assert stream_peer.queries == [expected]
    assert stream_peer.headers[0]["Authorization"] == "Apikey key"


@pytest.mark.parametrize(
    "loss",
    [drops, *map(closes, (1001, 1011, 1012, 1013))],
    ids=["tcp", "1001", "1011", "1012", "1013"],
)
def test_a_lost_connection_is_resumed_after_the_last_update(
    stream_peer: StreamPeer, loss: Any
) -> None:
    stream_peer.plays(
        visit(schema("e"), updates(1, 2), loss),
        refuses(503, "starting", **{"Retry-After": "0.05"}),
        visit(schema("e"), updates(3, 4), ENDS),
    )
    heard = hear(stream_peer.array().subscribe(), 0)
    assert sequences(heard) == [1, 2, 3, 4]
    assert [(q["start"], q.get("epoch")) for q in stream_peer.queries] == [
        ("0", None),
        ("3", "e"),
        ("3", "e"),
    ]


def test_updates_received_before_are_not_delivered_again(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(schema(), updates(1, 2, 3), drops),
        visit(schema(), updates(1, 2, 3, 4, 4), ENDS),
    )
    assert sequences(hear(stream_peer.array().subscribe(), 0)) == [1, 2, 3, 4]


def test_a_numbering_that_begins_again_is_followed_by_its_epoch(stream_peer: StreamPeer) -> None:
    stream_peer.plays(
        visit(schema("a"), updates(1, 2, 3, epoch="a"), drops),
        visit(schema("b"), updates(1, 2, epoch="b"), drops),
        visit(schema("b"), updates(3, epoch="b"), updates(1, epoch="c"), ENDS),
    )
    heard = hear(stream_peer.array().subscribe(), 0)
    assert [(u.epoch, u.sequence) for u in heard] == [
        *(("a", n) for n in (1, 2, 3)),
        *(("b", n) for n in (1, 2, 3)),
        ("c", 1),
    ]
    assert [q.get("epoch") for q in stream_peer.queries] == [None, "a", "b"]


def test_without_an_epoch_a_restart_of_the_numbering_is_recognised_by_the_time(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(
        visit(schema(), updates(1, 2, 3), drops),
        visit(schema(), updates(1, at=60), updates(2, at=61), ENDS),
    )
    assert sequences(hear(stream_peer.array().subscribe(), 0)) == [1, 2, 3, 1, 2]


def test_updates_that_cannot_be_read_are_left_out_and_logged(
    stream_peer: StreamPeer, caplog: pytest.LogCaptureFixture
) -> None:
    broken = update(2)
    del broken["shape"]
    unknown = {"type": "weather", "sequence": 3, "timestamp": update(3)["timestamp"]}
    stream_peer.plays(
        visit(
            schema(), updates(1), says(broken), says(unknown), says({"type": "mood"}),
            lambda connection: connection.send(b"\xc1"), updates(4), ENDS,
        )
    )  # fmt: skip
    assert sequences(hear(stream_peer.array().subscribe(), 0)) == [1, 4]
    assert len([r for r in caplog.records if r.levelno == logging.ERROR]) == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [(401, Unauthorized), (403, Forbidden), (404, NodeNotFound), (400, BadRequest), (422, Invalid)],
)
def test_a_refused_handshake_raises_at_once(
    stream_peer: StreamPeer, status: int, error: type[RequestRejected]
) -> None:
    stream_peer.plays(refuses(status, "because"))
    subscription = stream_peer.array().subscribe()
    ends: list[Any] = []
    subscription.disconnected.add_callback(lambda s: ends.append(s.error))
    with pytest.raises(error, match="because") as caught:
        subscription.start_in_thread()
    assert caught.value.status == status
    assert ends == [caught.value] == [subscription.error]
    assert len(stream_peer.queries) == 1


def test_a_stream_that_begins_without_a_schema_is_not_followed(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(updates(1), stays))
    with pytest.raises(InvalidResponse, match="begins with 'array-data'"):
        stream_peer.array().subscribe().start_in_thread()
    assert len(stream_peer.queries) == 1


@pytest.mark.parametrize(
    ("code", "error"),
    [(4000, BadRequest), (4001, Unauthorized), (4003, Unauthorized), (4004, NodeNotFound)],
)
def test_a_final_close_code_ends_the_subscription_with_its_error(
    stream_peer: StreamPeer, code: int, error: type[RequestRejected]
) -> None:
    stream_peer.plays(visit(schema(), updates(1), closes(code, "because")))
    subscription = stream_peer.array().subscribe()
    ends: list[Any] = []
    subscription.stream_closed.add_callback(ends.append)
    subscription.disconnected.add_callback(lambda s: ends.append(s.error))
    with pytest.raises(error, match="because"):
        subscription.start(0)
    assert [type(end) for end in ends] == [error]
    assert not subscription.closed
    assert len(stream_peer.queries) == 1


def test_a_final_refusal_while_reconnecting_ends_the_subscription(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1), drops), refuses(404, "deleted"))
    subscription = stream_peer.array().subscribe().start_in_thread(0)
    with pytest.raises(NodeNotFound, match="deleted"):
        subscription.wait(10)


def test_a_server_that_accepts_and_says_nothing_is_given_up_on(stream_peer: StreamPeer) -> None:
    stream_peer.plays(stays)
    with pytest.raises(StreamTimeout, match="API key"):
        stream_peer.array().subscribe(connect_timeout=0.1).start_in_thread(timeout=0.5)


def test_a_server_that_is_not_there_is_given_up_on() -> None:
    with StreamPeer() as peer:
        array = peer.array()
    with pytest.raises(TransportError, match="No server answers"):
        array.subscribe().start_in_thread(timeout=0.3)


def test_a_server_that_stays_busy_is_given_up_on(stream_peer: StreamPeer) -> None:
    stream_peer.plays(refuses(503, "starting"))
    with pytest.raises(Unavailable, match="starting"):
        stream_peer.array().subscribe().start_in_thread(timeout=0.3)


def test_a_lost_connection_is_not_tried_for_ever(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1), drops), visit(schema(), drops))
    subscription = stream_peer.array().subscribe(give_up_after=0.5)
    subscription.start_in_thread(0)
    with pytest.raises(StreamLost):
        subscription.wait(10)
    # The pauses grow: this is no tight loop.
    assert len(stream_peer.queries) < 10


def test_a_server_that_is_gone_for_good_is_given_up_on() -> None:
    with StreamPeer() as peer:
        peer.plays(visit(schema(), updates(1), stays))
        subscription = peer.array().subscribe(give_up_after=0.5).start_in_thread(0)
    with pytest.raises(ConnectionError):
        subscription.wait(10)


def test_a_peer_that_gives_no_sign_of_life_is_left(stream_peer: StreamPeer) -> None:
    def falls_asleep(connection: Any) -> None:
        # Nothing is read from this socket any more, pings included.
        connection.recv_flow_control.acquire()
        stream_peer.wait_for_visits(2)
        connection.recv_flow_control.release()

    stream_peer.plays(visit(schema(), updates(1), falls_asleep), visit(schema(), updates(2), ENDS))
    subscription = stream_peer.array().subscribe(idle_before_ping=0.2)
    assert sequences(hear(subscription, 0)) == [1, 2]


def test_an_idle_connection_is_kept(stream_peer: StreamPeer) -> None:
    go_on = threading.Event()

    def waits(_: Any) -> None:
        go_on.wait(5)

    stream_peer.plays(visit(schema(), waits, updates(1), ENDS))
    subscription = stream_peer.array().subscribe(idle_before_ping=0.05).start_in_thread()
    threading.Timer(0.6, go_on.set).start()
    assert subscription.wait(10)
    assert len(stream_peer.queries) == 1


def test_an_exception_in_a_callback_is_reported_and_the_stream_goes_on(
    stream_peer: StreamPeer, caplog: pytest.LogCaptureFixture
) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2), ENDS))
    subscription = stream_peer.array().subscribe()
    failures: list[Any] = []
    subscription.callback_error.add_callback(failures.append)

    @subscription.new_data.add_callback
    def divide(update: Any) -> None:
        raise ZeroDivisionError(update.sequence)

    assert sequences(hear(subscription, 0)) == [1, 2]
    assert [(f.callback, f.argument.sequence) for f in failures] == [(divide, 1), (divide, 2)]
    assert all(isinstance(f.exception, ZeroDivisionError) for f in failures)
    assert "ZeroDivisionError" in caplog.text


def test_callbacks_are_called_in_the_order_they_were_added_until_removed(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2), ENDS))
    subscription = stream_peer.array().subscribe()
    calls: list[str] = []

    def first(update: Any) -> None:
        calls.append(f"first {update.sequence}")
        subscription.new_data.remove_callback(first)

    subscription.new_data.add_callback(first)
    # Held by nothing but the registry.
    subscription.new_data.add_callback(lambda u: calls.append(f"second {u.sequence}"))
    subscription.new_data.add_callback(lambda u: calls.append(f"third {u.sequence}"))
    subscription.start(0)
    assert calls == ["first 1", "second 1", "third 1", "second 2", "third 2"]


def test_a_callback_can_disconnect(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), updates(1, 2, 3), stays))
    subscription = stream_peer.array().subscribe()
    heard: list[Any] = []

    @subscription.new_data.add_callback
    def leave(update: Any) -> None:
        heard.append(update)
        if update.sequence == 2:
            subscription.disconnect()

    ends: list[Any] = []
    subscription.disconnected.add_callback(ends.append)
    subscription.start(0)
    assert sequences(heard) == [1, 2]
    assert ends == [subscription]
    assert not subscription.closed
    assert subscription.error is None


def test_leaving_the_context_disconnects_and_waits_for_the_running_callback(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(visit(schema(), updates(1), stays))
    entered, done = threading.Event(), threading.Event()

    def slow(_: Any) -> None:
        entered.set()
        time.sleep(0.2)
        done.set()

    with stream_peer.array().subscribe() as subscription:
        subscription.new_data.add_callback(slow)
        subscription.start_in_thread(0)
        assert entered.wait(5)
    assert done.is_set()
    assert subscription.wait(0)


def test_a_subscription_is_started_once(stream_peer: StreamPeer) -> None:
    stream_peer.plays(visit(schema(), stays))
    subscription = stream_peer.array().subscribe().start_in_thread()
    with subscription, pytest.raises(RuntimeError, match="once"):
        subscription.start_in_thread()
    never_started = stream_peer.array().subscribe()
    never_started.disconnect()
    with pytest.raises(RuntimeError, match="once"):
        never_started.start()


def test_a_negative_start_is_refused(stream_peer: StreamPeer) -> None:
    with pytest.raises(ValueError, match="start must be"):
        stream_peer.array().subscribe().start_in_thread(-1)


def test_a_slow_callback_slows_the_server_down_and_loses_nothing(stream_peer: StreamPeer) -> None:
    """With room for less than two updates, and a peer that sends 200 of 100 kB at once."""
    sent: list[int] = []
    big = {**update(1), "shape": [12_500], "payload": bytes(100_000)}

    def floods(connection: Any) -> None:
        for n in range(1, 201):
            says({**big, "sequence": n})(connection)
            sent.append(n)

    stream_peer.plays(visit(schema(), floods, ENDS))
    subscription = stream_peer.array().subscribe(buffer_bytes=150_000)
    heard: list[int] = []
    may_go_on = threading.Event()

    @subscription.new_data.add_callback
    def hold(update: Any) -> None:
        heard.append(update.sequence)
        may_go_on.wait(10)

    subscription.start_in_thread(0)
    settled = -1
    while settled != len(sent):
        settled = len(sent)
        time.sleep(0.3)
    assert len(sent) < 200
    may_go_on.set()
    assert subscription.wait(20)
    assert heard == list(range(1, 201))


def test_messages_may_be_as_large_as_they_like(stream_peer: StreamPeer) -> None:
    count = 3_000_000
    big = {**update(1), "shape": [count], "payload": np.arange(count).astype("<i8").tobytes()}
    stream_peer.plays(visit(schema(), says(big), ENDS))
    (heard,) = hear(stream_peer.array().subscribe(), 0)
    assert heard.data()[-1] == count - 1
