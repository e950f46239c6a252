"""Reconnecting, back-off, keep-alive and renewal of credentials, without sockets and clocks."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgpack
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close as CloseFrame
from websockets.http11 import Response

from tests.client.fake_servers import schema_message, update
from tiled_client import (
    Forbidden,
    Gap,
    NodeNotFound,
    StreamLost,
    StreamOptions,
    StreamTimeout,
    TiledClientError,
    Unauthorized,
)
from tiled_client.auth.credentials import Credentials
from tiled_client.stream.engine import commands
from tiled_client.stream.engine.multiplexed import MultiplexedProtocol
from tiled_client.stream.engine.stream_engine import StreamEngine
from tiled_client.stream.engine.stream_protocol import SingleNodeProtocol
from tiled_client.stream.engine.subscription_state import SubscriptionState
from tiled_client.stream.protocol.notices import Ended
from tiled_client.stream.protocol.position import Position
from tiled_client.stream.protocol.subscription_options import SubscriptionOptions
from tiled_client.stream.updates import Update

OPTIONS = StreamOptions(connect_timeout=10, idle_before_ping=20, give_up_after=100)
NODE: Any = SimpleNamespace(
    uri="http://h/api/v1/metadata/x", path=("x",), api_root="http://h/api/v1", structure=None
)
TRANSIENT_CODES = (1001, 1011, 1012, 1013)
# What ends a run, so that most runs are long.
RARELY = st.sampled_from([False] * 15 + [True])


class Renewable(Credentials):
    """Credentials of which there are always others."""

    renewals = 0

    def header(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.renewals}"}

    def renew(self, refused: Any) -> bool:
        self.renewals += 1
        return True


class Owner:
    """A subscription that records what happens to it."""

    ready = False

    def mark_ready(self) -> None:
        self.ready = True

    def handle(self, delivery: Any) -> None:
        raise AssertionError("the engine delivers to the inbox only")


class World:
    """An engine, and a driver that executes its commands as it is told."""

    def __init__(self, start: Any = 0) -> None:
        self.now = 0.0
        self.owner = Owner()
        self.credentials = Renewable()
        self.state = SubscriptionState(self.owner, NODE, SubscriptionOptions(), Position(start))
        self.opened = 0
        self.engine = StreamEngine(
            SingleNodeProtocol(self.state),
            self.credentials,
            OPTIONS,
            on_open=self.on_open,
            clock=lambda: self.now,
        )
        self.steps = self.engine.run()
        self.connected = False
        self.inbox_closed = False
        self.close_codes: list[int] = []
        self.events: list[Any] = []
        self.command: Any = None
        self.advance()

    def on_open(self) -> None:
        self.opened += 1

    @property
    def over(self) -> bool:
        return self.command is None

    def advance(self, result: Any = None, failure: Exception | None = None) -> None:
        """Send a result, and execute commands that always succeed, up to one that may not."""
        while True:
            try:
                command = self.steps.throw(failure) if failure else self.steps.send(result)
            except (StopIteration, commands.Stopped):
                self.command = None
                return
            result, failure = None, None
            match command:
                case commands.RunBlocking():
                    result = command.function()
                case commands.Deliver():
                    result = not self.inbox_closed
                    if result:
                        self.events.append(command.delivery.event)
                case commands.Close():
                    if self.connected:
                        self.close_codes.append(command.code)
                    self.connected = False
                case _:
                    assert self.connected != isinstance(command, (commands.Connect, commands.Sleep))
                    self.command = command
                    return

    def accept(self) -> dict[str, str]:
        """Accept a connection. Returns its query."""
        assert isinstance(self.command, commands.Connect)
        query = parse_qs(urlsplit(self.command.url).query)
        self.connected = True
        self.advance()
        return {key: values[0] for key, values in query.items()}

    def receive(self, message: dict[str, Any]) -> None:
        assert isinstance(self.command, commands.Receive)
        self.advance(msgpack.packb(message))

    def time_out(self) -> None:
        assert isinstance(self.command, commands.Receive)
        self.now += self.command.timeout
        self.advance(None)

    def close(self, code: int, reason: str = "") -> None:
        self.advance(failure=ConnectionClosedError(CloseFrame(code, reason), None))

    def lose(self) -> None:
        self.advance(failure=ConnectionClosedError(None, None))

    def reject(self, status: int, **headers: str) -> None:
        body = json.dumps({"detail": "no"}).encode()
        response = Response(
            status, "no", Headers({"Content-Type": "application/json", **headers}), body
        )
        self.advance(failure=InvalidStatus(response))

    def sleep(self) -> float:
        assert isinstance(self.command, commands.Sleep)
        seconds = self.command.seconds
        self.now += seconds
        self.advance()
        return seconds

    @property
    def error(self) -> TiledClientError | None:
        ended = self.events[-1]
        assert isinstance(ended, Ended)
        return ended.error


class Reconnecting(RuleBasedStateMachine):
    """A server that writes, repeats, drops, rejects and closes; a subscriber that may leave."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.top = 0
        # The next number that the server sends over the present connection; None before a schema.
        self.cursor: int | None = None
        self.stopped = False
        # The model of the policy: when the present series of attempts began.
        self.series_began_at = 0.0
        self.opened_at: float | None = None
        self.progress = False
        self.renewed_in_vain = False
        self.final: type[TiledClientError] | None = None
        self.ended_by_producer = False

    def awaits(self, kind: type) -> bool:
        return isinstance(self.world.command, kind)

    def failed(self, *, unauthorized: bool = False) -> None:
        """Update the model at the loss of a connection, or of an attempt."""
        self.renewed_in_vain &= not self.progress
        if unauthorized:
            self.final = Unauthorized if self.renewed_in_vain else None
            self.renewed_in_vain = True
        opened_at = self.world.now if self.opened_at is None else self.opened_at
        if self.progress or self.world.now - opened_at > 10:
            self.series_began_at = self.world.now
        self.progress, self.cursor, self.opened_at = False, None, None

    @rule(count=st.integers(1, 4))
    def write(self, count: int) -> None:
        self.top += 0 if self.world.over else count

    @precondition(lambda self: self.awaits(commands.Connect))
    @rule()
    def accept(self) -> None:
        last = self.last_number()
        query = self.world.accept()
        assert query["start"] == str(last + 1 if last else 0), "it resumes after the last number"
        self.cursor = None

    @precondition(lambda self: self.awaits(commands.Connect))
    @rule(status=st.sampled_from([502, 503]))
    def reject_for_now(self, status: int) -> None:
        self.failed()
        self.world.reject(status)

    @precondition(lambda self: self.awaits(commands.Connect))
    @rule()
    def refuse_connection(self) -> None:
        self.failed()
        self.world.advance(failure=ConnectionRefusedError("refused"))

    @precondition(lambda self: self.awaits(commands.Connect))
    @rule(rarely=RARELY)
    def reject_forever(self, rarely: bool) -> None:
        if not rarely:
            return
        self.final = Forbidden
        self.world.reject(403)

    @precondition(lambda self: self.awaits(commands.Receive) and self.cursor is None)
    @rule()
    def send_schema(self) -> None:
        last = self.last_number()
        self.world.receive(schema_message("e", self.top))
        self.cursor, self.opened_at = last + 1, self.world.now

    @precondition(lambda self: self.awaits(commands.Receive) and (self.cursor or 0) > 0)
    @rule(repeated=st.integers(0, 3), count=st.integers(1, 4))
    def send_updates(self, repeated: int, count: int) -> None:
        assert self.cursor is not None
        first = max(1, self.cursor - repeated)
        for number in range(first, min(first + count, self.top + 1)):
            self.progress |= number > self.last_number()
            self.world.receive(update(number, epoch="e"))
            self.cursor = max(self.cursor, number + 1)

    @precondition(lambda self: self.awaits(commands.Receive) and (self.cursor or 0) > 0)
    @rule(count=st.integers(1, 3))
    def drop_updates(self, count: int) -> None:
        assert self.cursor is not None
        last = min(self.top, self.cursor + count - 1)
        if last < self.cursor:
            return
        gap = {"type": "gap", "epoch": "e", "from": self.cursor, "to": last, "reason": "slow"}
        self.progress = True
        self.world.receive(gap)
        self.cursor = last + 1

    @precondition(lambda self: self.awaits(commands.Receive))
    @rule()
    def lose(self) -> None:
        self.failed()
        self.world.lose()

    @precondition(lambda self: self.awaits(commands.Receive))
    @rule(code=st.sampled_from(TRANSIENT_CODES))
    def close_for_now(self, code: int) -> None:
        self.failed()
        self.world.close(code)

    @precondition(lambda self: self.awaits(commands.Receive))
    @rule()
    def expire_credentials(self) -> None:
        self.failed(unauthorized=True)
        self.world.close(4001, "expired")

    @precondition(lambda self: self.awaits(commands.Receive))
    @rule(rarely=RARELY)
    def close_forever(self, rarely: bool) -> None:
        if not rarely:
            return
        self.final = NodeNotFound
        self.world.close(4004)

    @precondition(lambda self: self.awaits(commands.Receive) and self.cursor == self.top + 1)
    @rule(rarely=RARELY)
    def end_stream(self, rarely: bool) -> None:
        if not rarely:
            return
        self.ended_by_producer = True
        self.world.close(1000, "Producer ended stream")

    @precondition(lambda self: self.awaits(commands.Receive))
    @rule(answered=st.booleans())
    def fall_silent(self, answered: bool) -> None:
        self.world.time_out()
        if self.awaits(commands.Ping):
            self.world.advance(lambda: answered)
        else:
            # Without a schema, or with no response to the last ping, it is lost.
            self.failed()

    @precondition(lambda self: self.awaits(commands.Sleep))
    @rule()
    def sleep(self) -> None:
        assert 0.05 <= self.world.sleep() <= 5

    @precondition(lambda self: not self.world.over and not self.stopped)
    @rule(cancelled=st.booleans(), rarely=RARELY)
    def leave(self, cancelled: bool, rarely: bool) -> None:
        """Stop as a thread does, which closes the connection, or as a cancelled task."""
        if not rarely:
            return
        self.stopped = True
        self.world.state.cancel()
        self.world.inbox_closed = True
        self.world.engine.stopping = True
        if cancelled:
            self.world.advance(failure=commands.Stopped())
        elif self.awaits(commands.Sleep):
            self.world.advance()
        else:
            self.world.lose()
        assert self.world.over

    def last_number(self) -> int:
        numbers = self.numbers()
        return numbers[-1] if numbers else 0

    def numbers(self) -> list[int]:
        numbers: list[int] = []
        for event in self.world.events:
            if isinstance(event, Gap):
                numbers += range(event.first, event.last + 1)
            elif isinstance(event, Update):
                numbers.append(event.sequence)
        return numbers

    @invariant()
    def each_number_is_delivered_once_and_in_order(self) -> None:
        numbers = self.numbers()
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def it_ends_once_and_for_a_reason(self) -> None:
        ends = [event for event in self.world.events if isinstance(event, Ended)]
        assert self.world.over == self.world.engine.over
        if not self.world.over or self.stopped:
            assert not ends
            return
        assert self.world.events[-1:] == ends
        assert self.world.owner.ready
        if self.ended_by_producer:
            assert ends[0] == Ended(None, by_producer=True)
            assert self.numbers() == list(range(1, self.top + 1))
        elif self.final is not None:
            assert isinstance(self.world.error, self.final)
        else:
            assert self.world.error is not None
            assert self.world.now - self.series_began_at > OPTIONS.give_up_after

    @invariant()
    def it_goes_on_while_nothing_is_final(self) -> None:
        if self.final is not None or self.ended_by_producer or self.stopped:
            assert self.world.over

    @invariant()
    def no_connection_is_left_open(self) -> None:
        assert not (self.world.over and self.world.connected)


TestReconnecting = Reconnecting.TestCase
TestReconnecting.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def opened(*numbers: int) -> World:
    """A world with a connection over which updates were received."""
    world = World()
    world.accept()
    world.receive(schema_message("e", 0))
    for number in numbers:
        world.receive(update(number, epoch="e"))
    return world


def test_a_connection_is_open_once_it_has_delivered_a_schema() -> None:
    world = World()
    world.accept()
    assert world.opened == 0
    assert not world.owner.ready
    world.receive(schema_message("e", 0))
    assert world.opened == 1
    assert world.owner.ready


def test_a_server_that_accepts_and_sends_nothing_is_left_after_the_connect_timeout() -> None:
    world = World()
    world.accept()
    assert world.command.timeout == OPTIONS.connect_timeout
    world.time_out()
    assert isinstance(world.command, commands.Sleep)
    assert isinstance(world.engine.failure, StreamTimeout)


def test_a_silent_connection_is_pinged_and_lost_without_a_response() -> None:
    world = opened(1)
    world.time_out()
    assert isinstance(world.command, commands.Ping)
    world.advance(lambda: True)
    world.time_out()
    assert isinstance(world.command, commands.Ping)
    world.advance(lambda: False)
    world.time_out()
    assert isinstance(world.engine.failure, StreamLost)
    assert world.close_codes == [commands.INTERNAL_ERROR]


def test_a_message_restarts_the_keepalive_timer() -> None:
    world = opened(1)
    world.time_out()
    world.advance(lambda: False)
    world.receive(update(2, epoch="e"))
    world.time_out()
    assert isinstance(world.command, commands.Ping)


def test_the_delay_is_at_least_what_the_server_asks_for() -> None:
    world = World()
    world.reject(503, **{"Retry-After": "30"})
    assert world.sleep() == 30


def test_delays_grow_until_events_are_received_again() -> None:
    world = World()
    delays = []
    for _ in range(8):
        world.lose()
        delays.append(world.sleep())
    assert delays[0] < 0.11
    assert 2.5 <= delays[-1] <= 5
    world.accept()
    world.receive(schema_message("e", 1))
    world.receive(update(1, epoch="e"))
    world.lose()
    assert world.sleep() < 0.11


def test_a_loss_that_lasts_is_given_up_on_with_its_error() -> None:
    world = opened(1)
    world.close(1012, "restarting")
    while not world.over:
        world.sleep()
        world.reject(503)
    assert 100 < world.now < 110
    assert world.error is not None
    assert world.error.status == 503


def test_other_credentials_are_sent_after_a_rejection() -> None:
    world = World()
    before = world.command.headers
    world.reject(401)
    world.sleep()
    assert world.command.headers != before
    world.reject(401)
    assert isinstance(world.error, Unauthorized)


def test_an_unexpected_exception_ends_the_subscription_and_closes_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = opened(1)
    world.advance(failure=ZeroDivisionError())
    assert isinstance(world.error, StreamLost)
    assert "ZeroDivisionError" in str(world.error)
    assert world.close_codes == [commands.INTERNAL_ERROR]
    assert "failed unexpectedly" in caplog.text


def test_a_cancelled_driver_closes_the_connection_regularly_and_claims_no_end_by_the_producer() -> (
    None
):
    world = opened(1)
    world.advance(failure=commands.Stopped())
    assert world.over
    assert world.close_codes == [commands.NORMAL_CLOSURE]
    assert world.state.ended == Ended(None, by_producer=False)


def test_a_subscription_is_sent_once_whether_it_was_added_before_or_after_connecting() -> None:
    protocol = MultiplexedProtocol("http://h/api/v1")
    engine = StreamEngine(protocol, Credentials(), OPTIONS, on_open=lambda: None)
    steps = engine.run()

    def subscribe() -> str:
        state = SubscriptionState(Owner(), NODE, SubscriptionOptions(), Position(0))
        return protocol.subscribe(state)

    before = subscribe()
    headers = steps.send(None)
    assert isinstance(headers, commands.RunBlocking)
    assert isinstance(steps.send(headers.function()), commands.Connect)
    during = subscribe()
    assert not engine.connected, "a driver does not send it, as the opening messages have it"
    sent = [steps.send(None)]
    assert engine.connected
    after = subscribe()
    while isinstance(command := steps.send(None), commands.Send):
        sent.append(command)
    assert [command.text for command in sent] == [before, during]
    assert after not in sent
    assert isinstance(command, commands.Receive)
