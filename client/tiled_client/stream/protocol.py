"""Messages of a stream, decoded. No I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..errors import UnreadableAnswer
from ..wire.dtypes import DType, dtype_from_json
from ..wire.errors import WireError

Map = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """The first message: what the updates on this connection are made of."""

    type: str
    epoch: str | None = None
    sequence: int | None = None
    data_type: DType | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every update says of itself. `timestamp` has a zone."""

    type: str
    sequence: int
    timestamp: datetime
    epoch: str | None = None


def decode_frame(frame: bytes | str) -> Map:
    """A message out of a binary frame (msgpack) or a text frame (JSON). Raises UnreadableAnswer."""
    try:
        if isinstance(frame, str):
            message = json.loads(frame)
        else:
            import msgpack

            message = msgpack.unpackb(frame, timestamp=3, strict_map_key=False)
    except ValueError as error:
        raise UnreadableAnswer(f"A message of the stream cannot be decoded: {error}") from error
    if not isinstance(message, Mapping) or not isinstance(message.get("type"), str):
        raise UnreadableAnswer("A message of the stream has no type.")
    return message


def parse_schema(message: Map) -> Schema:
    """Read a schema message. Raises UnreadableAnswer if this is none."""
    kind = message["type"]
    if not kind.endswith("-schema"):
        raise UnreadableAnswer(f"The stream begins with {kind!r} instead of a schema.")
    data_type = None
    if kind == "array-schema":
        try:
            data_type = dtype_from_json(message.get("data_type"))
        except WireError as error:
            raise UnreadableAnswer(f"The stream's schema has no data type: {error}") from error
    sequence = message.get("sequence")
    return Schema(kind, _epoch(message), sequence if isinstance(sequence, int) else None, data_type)


def parse_envelope(message: Map) -> Envelope:
    """Read what every update has. Raises UnreadableAnswer."""
    sequence, timestamp = message.get("sequence"), message.get("timestamp")
    if not isinstance(sequence, int) or isinstance(sequence, bool) or sequence < 1:
        raise UnreadableAnswer(f"An update has no sequence number: {sequence!r}.")
    return Envelope(message["type"], sequence, _moment(timestamp), _epoch(message))


def sizes(message: Map, key: str) -> tuple[int, ...]:
    """A required tuple of integers. Raises UnreadableAnswer."""
    value = message.get(key)
    if not isinstance(value, (list, tuple)) or not all(isinstance(n, int) for n in value):
        raise UnreadableAnswer(f"An update's {key!r} should be a list of integers, not {value!r}.")
    return tuple(value)


def optional_sizes(message: Map, key: str) -> tuple[int, ...] | None:
    """A tuple of integers, or None. Raises UnreadableAnswer."""
    return None if message.get(key) is None else sizes(message, key)


def _moment(value: Any) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise UnreadableAnswer(f"An update has no timestamp: {value!r}.") from error
    # Tiled sends the local time of the server; the zone that we are in is the best guess at it.
    return moment if moment.tzinfo else moment.astimezone()


def _epoch(message: Map) -> str | None:
    epoch = message.get("epoch")
    return None if epoch is None else str(epoch)
