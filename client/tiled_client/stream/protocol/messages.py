"""Decode the messages of a stream. No I/O.

Source: docs/reference/tiled-protocol/streaming.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ...errors import InvalidResponse
from ...uris import Path, split_path
from ...wire.dtypes import DType, dtype_from_json
from ...wire.errors import WireError

Map = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """The first message, which describes the updates of this connection.

    `sequence` is the stream's highest number so far, and `end` how often it was closed since.
    """

    type: str
    epoch: str | None = None
    sequence: int | None = None
    end: int | None = None
    data_type: DType | None = None
    form: dict[str, Any] | None = None
    extended: bool = False
    """True if the server extends Tiled's protocol."""
    reduce: str | None = None
    roi: str | None = None
    """The reduction, or the regions, that the server applies to updates."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The fields that every update has. `timestamp` has a time zone."""

    type: str
    sequence: int
    timestamp: datetime
    epoch: str | None = None


@dataclass(frozen=True, slots=True)
class GapMessage:
    """The updates `first` to `last` are missing."""

    first: int
    last: int
    reason: str
    uri: str | None
    epoch: str | None
    timestamp: datetime | None


@dataclass(frozen=True, slots=True)
class ResetMessage:
    """The numbering restarted."""

    epoch: str | None
    previous: str | None
    sequence: int | None


@dataclass(frozen=True, slots=True)
class HeartbeatMessage:
    """The stream's highest number at some time; 0 if there is no update yet."""

    sequence: int
    epoch: str | None
    timestamp: datetime


def decode_frame(frame: bytes | str) -> Map:
    """Decode the message of a binary frame (msgpack) or a text frame (JSON).

    Raises InvalidResponse.
    """
    return _message(_decode(frame))


def decode_addressed(frame: bytes | str) -> tuple[str | None, Path, Map]:
    """Decode the id, the path and the message of a frame of a connection for several nodes.

    Raises InvalidResponse.
    """
    value = _decode(frame)
    if not isinstance(value, list) or len(value) != 3:
        raise InvalidResponse("A frame of the stream is not a list of an id, a path and a message.")
    id_, path, message = value
    return id_, split_path(path or ""), _message(message)


def parse_gap(message: Map) -> GapMessage:
    """Read a `gap` message. Raises InvalidResponse."""
    first, last = message.get("from"), message.get("to")
    if not isinstance(first, int) or not isinstance(last, int):
        raise InvalidResponse(f"A gap message has no range of numbers: {first!r} to {last!r}.")
    timestamp = message.get("timestamp")
    return GapMessage(
        first,
        last,
        str(message.get("reason") or "unknown"),
        message.get("uri"),
        _epoch(message),
        None if timestamp is None else _parse_time(timestamp),
    )


def parse_reset(message: Map) -> ResetMessage:
    """Read a `reset` message."""
    previous = message.get("previous")
    return ResetMessage(
        _epoch(message),
        None if previous is None else str(previous),
        _number(message, "sequence"),
    )


def parse_heartbeat(message: Map) -> HeartbeatMessage:
    """Read a `heartbeat` message. Raises InvalidResponse."""
    return HeartbeatMessage(
        _number(message, "sequence") or 0, _epoch(message), _parse_time(message.get("timestamp"))
    )


def parse_schema(message: Map) -> Schema:
    """Read a schema message. Raises InvalidResponse if it is not one."""
    kind = message["type"]
    if not kind.endswith("-schema"):
        raise InvalidResponse(f"The stream begins with {kind!r} instead of a schema.")
    data_type = None
    if kind in ("array-schema", "ragged-schema"):
        try:
            data_type = dtype_from_json(message.get("data_type"))
        except WireError as error:
            raise InvalidResponse(f"The stream's schema has no data type: {error}") from error
    return Schema(
        kind,
        _epoch(message),
        _number(message, "sequence"),
        _number(message, "end"),
        data_type,
        form=dict(form) if isinstance(form := message.get("form"), Mapping) else None,
        extended="epoch" in message,
        reduce=message.get("reduce"),
        roi=message.get("roi"),
    )


def parse_envelope(message: Map) -> Envelope:
    """Read the fields that every update has. Raises InvalidResponse."""
    sequence, timestamp = message.get("sequence"), message.get("timestamp")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or sequence < 1:
        raise InvalidResponse(f"An update has no sequence number: {sequence!r}.")
    return Envelope(message["type"], sequence, _parse_time(timestamp), _epoch(message))


def sizes(message: Map, key: str) -> tuple[int, ...]:
    """Return a required tuple of integers. Raises InvalidResponse."""
    value = message.get(key)
    if not isinstance(value, (list, tuple)) or not all(isinstance(n, int) for n in value):
        raise InvalidResponse(f"An update's {key!r} should be a list of integers, not {value!r}.")
    return tuple(value)


def optional_sizes(message: Map, key: str) -> tuple[int, ...] | None:
    """Return a tuple of integers, or None. Raises InvalidResponse."""
    return None if message.get(key) is None else sizes(message, key)


def _decode(frame: bytes | str) -> Any:
    try:
        if isinstance(frame, str):
            return json.loads(frame)
        import msgpack

        return msgpack.unpackb(frame, timestamp=3, strict_map_key=False)
    except ValueError as error:
        raise InvalidResponse(f"A message of the stream cannot be decoded: {error}") from error


def _message(value: Any) -> Map:
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        raise InvalidResponse("A message of the stream has no type.")
    return value


def _number(message: Map, key: str) -> int | None:
    value = message.get(key)
    return value if isinstance(value, int) else None


def _parse_time(value: Any) -> datetime:
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InvalidResponse(f"A message has no timestamp: {value!r}.") from error
    # Tiled sends the server's local time without a zone; that of the client is the best guess.
    return time if time.tzinfo else time.astimezone()


def _epoch(message: Map) -> str | None:
    epoch = message.get("epoch")
    return None if epoch is None else str(epoch)
