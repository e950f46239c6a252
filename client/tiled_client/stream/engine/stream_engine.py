"""Control flow of a stream's connection: connect, receive, reconnect, give up. No I/O.

`StreamEngine.run` is a generator of commands. A driver (`sync.driver`, `asyncio.driver`) executes
each and sends back its result, or throws its exception.

| state      | meaning                                   | next                                  |
| ---------- | ----------------------------------------- | ------------------------------------- |
| connecting | the handshake is in progress              | opening; waiting if it failed         |
| opening    | the first messages are exchanged          | streaming; waiting if it was lost     |
| streaming  | messages are received and delivered       | over at its end; waiting if it is lost |
| waiting    | credentials are renewed, then a back-off  | connecting; over if there is no point |
| over       | each subscription has received an `Ended` |                                       |

Invariants:

- There is at most one connection: a `Connect` comes first or after a `Close`.
- `connected` becomes True in the step that calls `on_connected`, so that a subscription added
  before is among the opening messages, and one added afterwards is not.
- `over` becomes True in the step that calls `on_closed`, so that none is added after its end.
- `stop()` of a driver sets `stopping` and ends the command that is being executed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any, TypeVar, cast

from ...auth.credentials import Credentials
from ...errors import StreamLost, TiledClientError
from ...interactive import as_sentence, warn
from ...settings import StreamOptions
from ..protocol.notices import Ended, Started
from .commands import (
    INTERNAL_ERROR,
    NORMAL_CLOSURE,
    Close,
    Command,
    Connect,
    Deliver,
    Ping,
    Receive,
    RunBlocking,
    Send,
    Sleep,
    Stopped,
)
from .credential_renewal import CredentialRenewal
from .outage import ConnectionState
from .reconnect_policy import KeepaliveTimer, ReconnectPolicy
from .stream_protocol import StreamProtocol
from .subscription_state import Delivery
from .websocket_options import no_schema_error, translate_exception

logger = logging.getLogger("tiled_client.stream")

T = TypeVar("T")
Steps = Generator[Command, Any, T]


class StreamEngine:
    """A connection that is replaced when it is lost.

    `failure` is the last error, whether or not the engine recovered from it. `on_open` is called
    with each connection that delivers.
    """

    def __init__(
        self,
        protocol: StreamProtocol,
        credentials: Credentials,
        options: StreamOptions,
        *,
        on_open: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.protocol = protocol
        self.failure: TiledClientError | None = None
        self.connected = False
        self.stopping = False
        self.over = False
        self._renewal = CredentialRenewal(credentials)
        self._options = options
        self._on_open = on_open
        self._clock = clock
        self._opened_at: float | None = None
        self._started = self._has_opened = False
        self._in_outage = False

    @property
    def connection_state(self) -> ConnectionState:
        """The state of the connection, as users see it."""
        if self.over or self.stopping:
            return "closed"
        if not self._started:
            return "new"
        if self.connected and self._opened_at is not None:
            return "live"
        return "reconnecting" if self._has_opened else "connecting"

    def run(self) -> Steps[None]:
        """Connect and deliver until the stream ends, an error is final, or `stopping` is set."""
        error: TiledClientError | None = None
        code = NORMAL_CLOSURE
        self._started = True
        try:
            error = yield from self._follow()
        except Stopped:
            self.stopping = True
        except Exception as unexpected:
            logger.exception("The stream failed unexpectedly")
            error = StreamLost(f"The stream failed unexpectedly: {unexpected!r}")
            code = INTERNAL_ERROR
        self.connected = False
        yield Close(code)
        self.failure = error or self.failure
        self.over = True
        yield from self._deliver(self.protocol.on_closed(error, stopped=self.stopping))

    def _follow(self) -> Steps[TiledClientError | None]:
        """Connect until there is no point in it. Return the error that ended it, if any."""
        policy = ReconnectPolicy(self._options.give_up_after, self._clock)
        while not self.stopping:
            event_count = self.protocol.event_count
            failure = yield from self._follow_once()
            # A connection that `stop()` closed looks like one that was lost.
            if failure is None or self.stopping:
                return None
            progress = self.protocol.event_count != event_count
            renew = partial(self._renewal.after_failure, failure, progress=progress)
            failure = self.failure = cast("TiledClientError", (yield RunBlocking(renew)))
            delay = policy.delay_after(failure, progress=progress, open_seconds=self._open_for())
            if delay is None:
                return self.failure
            self._report(failure, delay)
            yield from self._deliver(self.protocol.on_lost(failure))
            yield Sleep(delay)
        return None

    def _follow_once(self) -> Steps[TiledClientError | None]:
        """Receive over one connection. Return why it ended; None if it was meant to end."""
        self._opened_at = None
        failure: TiledClientError | None = None
        headers = yield RunBlocking(self._renewal.header)
        code = NORMAL_CLOSURE
        try:
            yield Connect(self.protocol.url(), headers, self.protocol.subprotocols)
            yield from self._receive_all()
        except Exception as error:  # noqa: BLE001 - raised again unless the connection's own
            failure = translate_exception(error, self.protocol)
            code = INTERNAL_ERROR
        self.connected = False
        yield Close(code)
        return failure

    def _receive_all(self) -> Steps[None]:
        self.connected = True
        for text in self.protocol.on_connected():
            yield Send(text)
        # `stop()` may have come too early to see the connection.
        if self.protocol.server_speaks_first and not self.stopping:
            frame = yield Receive(self._options.connect_timeout)
            if frame is None:
                raise no_schema_error(self._options.connect_timeout)
            if not (yield from self._deliver(self.protocol.receive(frame))):
                return
        self._opened_at = self._clock()
        self._has_opened, self._in_outage = True, False
        self._on_open()
        yield from self._deliver(self.protocol.on_opened())
        while not self.stopping:
            frame = yield from self._next_frame()
            if not (yield from self._deliver(self.protocol.receive(frame))):
                return

    def _next_frame(self) -> Steps[bytes | str]:
        """Receive a message; send a ping when none arrives for a while. Raises StreamLost."""
        timer = KeepaliveTimer(self._options.idle_before_ping)
        answered: Callable[[], bool] = bool
        while True:
            # The first heartbeats, which set the interval, may arrive at any time.
            interval = self.protocol.interval
            timeout = timer.timeout(interval)
            frame = yield Receive(timeout)
            if frame is not None:
                return frame  # type: ignore[no-any-return]
            if timer.on_timeout(timeout, interval, answered=answered()):
                answered = yield Ping()

    def _report(self, failure: TiledClientError, delay: float) -> None:
        """Warn of the first failure of an outage; those that follow are logged at level INFO."""
        line = f"{as_sentence(failure.detail)} Reconnecting to the stream in {delay:.1f} s ..."
        if self._in_outage:
            logger.info("%s", line)
        else:
            warn(logger, line)
        self._in_outage = True

    def _deliver(self, deliveries: Iterable[Delivery]) -> Steps[bool]:
        """Pass on events; return False if they are not wanted any more."""
        for delivery in deliveries:
            if isinstance(delivery.event, (Started, Ended)):
                delivery.state.owner.mark_ready()
            if isinstance(delivery.event, Started):
                continue
            if not (yield Deliver(delivery)):
                return False
        return True

    def _open_for(self) -> float:
        return 0.0 if self._opened_at is None else self._clock() - self._opened_at
