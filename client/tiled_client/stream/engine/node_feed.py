"""State of one node's stream across connections. No I/O.

Each connection begins with a schema; then updates, gaps, resets and heartbeats are received:

| message   | effect                                                                        |
| --------- | ----------------------------------------------------------------------------- |
| schema    | sets the epoch; `Reset` if the numbering restarted since the last connection    |
| update    | an event if it is new by its epoch and number, dropped if it is a repetition   |
| gap       | `Gap` of the numbers that were not received; added to `missed` of the next update |
| reset     | `Reset`, unless the schema had announced the same epoch                         |
| heartbeat | `StreamLost` if it proves that updates are missing, so that they are requested  |

Invariants: within an epoch numbers only rise, each is an event or in a gap once, and an epoch is
announced by one `Reset` before its first event.
"""

from __future__ import annotations

import logging
from datetime import datetime

from ...errors import InvalidResponse, NotSupported, StreamLost
from ..protocol.event_origin import EventOrigin, UpdateContext
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
from ..protocol.position import Position
from ..protocol.subscription_options import SubscriptionOptions
from ..updates import Update, parse_update

logger = logging.getLogger("tiled_client.stream")

FeedEvent = Update | Gap | Reset | Started


class NodeFeed:
    """The events of one node's stream: each update once, with gaps and resets.

    `top` is the highest number known on the server, `complete_at` a time (of the server's clock)
    up to which no update can be missing, and `event_count` counts new events. With `from_now`,
    updates from before the subscription are not wanted, though the position does not say so.
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
        # The highest number on the server when the first schema was received.
        self._base: int | None = None
        self._missed = 0
        # The epoch of the last `Reset`, until something of it is received.
        self._announced_epoch: tuple[str | None] | None = None
        # The last heartbeat, and the event count at that time.
        self._last_heartbeat: tuple[HeartbeatMessage, int] | None = None
        # The position after which missing updates were requested.
        self._requested_after: int | None = None

    @property
    def has_schema(self) -> bool:
        """True once the schema was received over the present connection."""
        return self._schema is not None

    def on_connected(self) -> None:
        """Begin a connection: a schema is expected first."""
        self._schema, self._last_heartbeat, self.interval = None, None, None

    def receive(self, message: Map) -> list[FeedEvent]:
        """Turn a message into events. Raises errors that require a new connection."""
        if self._schema is None:
            return self._on_schema(message)
        kind = message["type"]
        try:
            if kind == "heartbeat":
                self._on_heartbeat(parse_heartbeat(message))
            elif kind == "gap":
                return self._record_gap(message)
            elif kind == "reset":
                reset = parse_reset(message)
                return self._restart(reset.epoch, reset.previous, reset.sequence)
            elif "sequence" in message:
                return self._on_update(message, self._schema)
            else:
                logger.debug("Ignored a message of type %s", kind)
        except InvalidResponse:
            # The next one may be fine, and requesting this one again would not change it.
            logger.exception("Skipped a message that cannot be decoded")
        return []

    def skip_backlog(self) -> int | None:
        """Mark updates from before the subscription as received, if they are not wanted.

        Returns the number of the last update received.
        """
        if self.from_now and self.position.last is None:
            self.position.last = self._base
        return self.position.last

    def _on_schema(self, message: Map) -> list[FeedEvent]:
        schema = parse_schema(message)
        if self._options and not schema.extended:
            raise NotSupported(
                "This server sends every update as it was written. It does not support policy, "
                "max_rate, slice, columns, reduce and roi: subscribe without them."
            )
        if not schema.extended and self.position.needs_extensions:
            raise NotSupported(
                "This server does not support start_time and epoch: start at 0, or at a number."
            )
        for name in ("reduce", "roi"):
            if getattr(self._options, name) is not None and getattr(schema, name) is None:
                raise NotSupported(
                    f"This server does not support the option {name}: subscribe without it."
                )
        self._schema = schema
        previous = self.position.epoch
        restarted = self.position.on_schema(schema.epoch, schema.sequence, schema.end)
        self.top = schema.sequence
        self._base = schema.sequence if self._base is None or restarted else self._base
        resets = self._announce_restart(schema.epoch, previous) if restarted else []
        return [Started(), *resets]

    def _on_update(self, message: Map, schema: Schema) -> list[FeedEvent]:
        envelope = parse_envelope(message)
        resets = self._enter_epoch(envelope.epoch)
        if not self.position.accept(envelope.sequence, envelope.timestamp):
            return resets
        self._record_update(envelope)
        update = parse_update(message, envelope, schema, UpdateContext(self.origin, self._missed))
        if update is None:
            return resets
        self._missed = 0
        return [*resets, update]

    def _record_update(self, envelope: Envelope) -> None:
        self.event_count += 1
        self._announced_epoch = None
        self.top = max(self.top or 0, envelope.sequence)
        self.complete_at = envelope.timestamp

    def _record_gap(self, message: Map) -> list[FeedEvent]:
        gap_message = parse_gap(message)
        resets = self._enter_epoch(gap_message.epoch)
        new = self.position.skip(gap_message.first, gap_message.last)
        if new is None:
            return resets
        self.event_count += 1
        first, last = new
        gap = Gap(
            origin=self.origin,
            first=first,
            last=last,
            reason=gap_message.reason,
            uri=gap_message.uri,
            epoch=self.position.epoch,
            timestamp=gap_message.timestamp,
        )
        self.top = max(self.top or 0, last)
        self._missed += gap.count
        return [*resets, gap]

    def _enter_epoch(self, epoch: str | None) -> list[FeedEvent]:
        previous = self.position.epoch
        return self._announce_restart(epoch, previous) if self.position.set_epoch(epoch) else []

    def _restart(
        self, epoch: str | None, previous: str | None, sequence: int | None
    ) -> list[FeedEvent]:
        if self._announced_epoch == (epoch,):
            # The schema's epoch has announced it.
            return []
        previous = previous or self.position.epoch
        self.position.restart(epoch)
        self.top = sequence
        return self._announce_restart(epoch, previous)

    def _announce_restart(self, epoch: str | None, previous: str | None) -> list[FeedEvent]:
        logger.warning("The numbering of the stream restarted")
        self.event_count += 1
        self._announced_epoch, self._missed, self._last_heartbeat = (epoch,), 0, None
        return [Reset(origin=self.origin, epoch=epoch, previous=previous)]

    def _on_heartbeat(self, heartbeat: HeartbeatMessage) -> None:
        """Record a heartbeat. Raises StreamLost if it shows that updates are missing."""
        before, self._last_heartbeat = self._last_heartbeat, (heartbeat, self.event_count)
        if before is not None:
            seconds = (heartbeat.timestamp - before[0].timestamp).total_seconds()
            self.interval = seconds if seconds > 0 else self.interval
        epoch, last = self.position.epoch, self.position.last
        if None not in (epoch, heartbeat.epoch) and epoch != heartbeat.epoch:
            raise StreamLost("The numbering of the stream restarted without a reset message.")
        self.top = heartbeat.sequence
        if last is None and before is not None and self._base == heartbeat.sequence:
            last = self.skip_backlog()
        if last is not None and last >= heartbeat.sequence:
            self.complete_at = heartbeat.timestamp
        elif last is not None and before is not None and self._silent_since(before, last):
            self._request_missing(last)

    def _silent_since(self, before: tuple[HeartbeatMessage, int], last: int) -> bool:
        """Return whether nothing was received since a heartbeat that was ahead of `last`.

        One heartbeat ahead proves nothing: the updates may be on their way behind it.
        """
        return before[1] == self.event_count and before[0].sequence > last

    def _request_missing(self, last: int) -> None:
        # With a filter or a rate the server may have nothing to send for long; and updates that
        # were requested once, and did not arrive, are not for this subscriber.
        if self._options.is_filtered or self._options.max_rate or self._requested_after == last:
            return
        self._requested_after = last
        raise StreamLost(f"The updates after {last} were not received.")
