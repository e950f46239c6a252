"""What one node's stream says over one connection after another. No I/O."""

from __future__ import annotations

import logging
from datetime import datetime

from ...errors import InvalidResponse, NotSupported, StreamLost
from ..protocol.messages import (
    Envelope,
    HeartbeatMessage,
    Map,
    Schema,
    parse_envelope,
    parse_gap,
    parse_heartbeat,
    parse_reset,
    parse_schema,
)
from ..protocol.notices import Gap, Reset, Started
from ..protocol.origin import EventOrigin, UpdateContext
from ..protocol.position import Position
from ..protocol.subscription_options import SubscriptionOptions
from ..updates import Update, parse_update

logger = logging.getLogger("tiled_client.stream")

Heard = Update | Gap | Reset | Started


class NodeFeed:
    """The stream of one node, as a subscription hears it: each update once, and what is missing.

    `top` is the highest number known on the server, `complete_at` a moment (of the server's clock)
    up to which nothing can have been lost, and `event_count` counts what was news. With `from_now`,
    what came before the subscription is not wanted, though the position does not say so.
    """

    def __init__(
        self,
        origin: EventOrigin,
        position: Position,
        options: SubscriptionOptions,
        *,
        from_now: bool = False,
    ) -> None:
        self.origin = origin
        self.position = position
        self.from_now = from_now
        self.top: int | None = None
        self.interval: float | None = None
        self.complete_at: datetime | None = None
        self.event_count = 0
        self._options = options
        self._schema: Schema | None = None
        # The stream's number when the first schema came.
        self._base: int | None = None
        self._missed = 0
        # The epoch of which the user was told that it began, until something of it was received.
        self._announced_epoch: tuple[str | None] | None = None
        # The last heartbeat, and how much had been received when it came.
        self._beat: tuple[HeartbeatMessage, int] | None = None
        self._requested_after: int | None = None

    @property
    def begun(self) -> bool:
        """Whether the schema has come over the present connection."""
        return self._schema is not None

    def open(self) -> None:
        """A new connection: the schema comes first again."""
        self._schema, self._beat, self.interval = None, None, None

    def receive(self, message: Map) -> list[Heard]:
        """What a message means. Raises what makes it useless to go on over this connection."""
        if self._schema is None:
            return self._start(message)
        kind = message["type"]
        try:
            if kind == "heartbeat":
                self._on_heartbeat(parse_heartbeat(message))
            elif kind == "gap":
                return self._record_gap(message)
            elif kind == "reset":
                said = parse_reset(message)
                return self._restart(said.epoch, said.previous, said.sequence)
            elif "sequence" in message:
                return self._update(message, self._schema)
            else:
                logger.debug("Passed over a message of type %s", kind)
        except InvalidResponse:
            # The next one may be fine, and asking for this one again would not change it.
            logger.exception("Left out a message that cannot be read")
        return []

    def _start(self, message: Map) -> list[Heard]:
        schema = parse_schema(message)
        if self._options and not schema.extended:
            raise NotSupported(
                "This server sends every update as it was written: policy, max_rate, slice and "
                "columns are not known to it."
            )
        self._schema = schema
        previous = self.position.epoch
        restarted = self.position.begin(schema.epoch, schema.sequence, schema.end)
        self.top = schema.sequence
        self._base = schema.sequence if self._base is None or restarted else self._base
        told = self._announce_restart(schema.epoch, previous) if restarted else []
        return [Started(), *told]

    def _update(self, message: Map, schema: Schema) -> list[Heard]:
        envelope = parse_envelope(message)
        told = self._enter_epoch(envelope.epoch)
        if not self.position.accept(envelope.sequence, envelope.timestamp):
            return told
        self._record(envelope)
        update = parse_update(message, envelope, schema, UpdateContext(self.origin, self._missed))
        if update is None:
            return told
        self._missed = 0
        return [*told, update]

    def _record(self, envelope: Envelope) -> None:
        self.event_count += 1
        self._announced_epoch = None
        self.top = max(self.top or 0, envelope.sequence)
        self.complete_at = envelope.timestamp

    def _record_gap(self, message: Map) -> list[Heard]:
        said = parse_gap(message)
        told = self._enter_epoch(said.epoch)
        news = self.position.skip(said.first, said.last)
        if news is None:
            return told
        self.event_count += 1
        first, last = news
        gap = Gap(
            origin=self.origin,
            first=first,
            last=last,
            reason=said.reason,
            uri=said.uri,
            epoch=self.position.epoch,
            timestamp=said.timestamp,
        )
        self.top = max(self.top or 0, last)
        self._missed += gap.count
        return [*told, gap]

    def _enter_epoch(self, epoch: str | None) -> list[Heard]:
        previous = self.position.epoch
        return self._announce_restart(epoch, previous) if self.position.set_epoch(epoch) else []

    def _restart(
        self, epoch: str | None, previous: str | None, sequence: int | None
    ) -> list[Heard]:
        if self._announced_epoch == (epoch,):
            # The schema's epoch had said so already.
            return []
        previous = previous or self.position.epoch
        self.position.restart(epoch)
        self.top = sequence
        return self._announce_restart(epoch, previous)

    def _announce_restart(self, epoch: str | None, previous: str | None) -> list[Heard]:
        logger.warning("The numbering of the stream has begun again")
        self.event_count += 1
        self._announced_epoch, self._missed, self._beat = (epoch,), 0, None
        return [Reset(origin=self.origin, epoch=epoch, previous=previous)]

    def _on_heartbeat(self, beat: HeartbeatMessage) -> None:
        """Take note of a heartbeat. Raises StreamLost if it shows that something was lost."""
        before, self._beat = self._beat, (beat, self.event_count)
        if before is not None:
            seconds = (beat.timestamp - before[0].timestamp).total_seconds()
            self.interval = seconds if seconds > 0 else self.interval
        epoch, last = self.position.epoch, self.position.last
        if None not in (epoch, beat.epoch) and epoch != beat.epoch:
            raise StreamLost("The numbering of the stream has begun again, and nothing was said.")
        self.top = beat.sequence
        if last is None and before is not None and self._base == beat.sequence:
            last = self.skip_backlog()
        if last is not None and last >= beat.sequence:
            self.complete_at = beat.timestamp
        elif last is not None and before is not None and self._silent_since(before, last):
            self._request_missing(last)

    def _silent_since(self, before: tuple[HeartbeatMessage, int], last: int) -> bool:
        """Nothing came after a heartbeat that was ahead of what had come."""
        return before[1] == self.event_count and before[0].sequence > last

    def skip_backlog(self) -> int | None:
        """Take what there was at the beginning for received, if it is not wanted."""
        if self.from_now and self.position.last is None:
            self.position.last = self._base
        return self.position.last

    def _request_missing(self, last: int) -> None:
        # A stream that is cut or thinned may have nothing to say for as long as it likes; and what
        # did not come when it was asked for again is not for this subscriber.
        if self._options.is_filtered or self._options.max_rate or self._requested_after == last:
            return
        self._requested_after = last
        raise StreamLost(f"The updates after {last} were not received.")
