"""The bytes of a message: a msgpack map, made once, when the update is written.

Two things are not known then: the number, which is taken in Redis in the same step that stores the
update, and the address under which a subscriber reaches this server. The first is why an update is
made in two parts; the second is added to references when they are sent.
"""

from __future__ import annotations

import json
import struct
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgpack

from tiled_client.wire.messages import ArrayRef, ChildCreated, Message, TableRef

LARGEST_INTEGER = 2**64 - 1
SMALLEST_INTEGER = -(2**63)


class Parts(NamedTuple):
    """An update's bytes before its sequence, and after its epoch up to its payload."""

    before: bytes
    after: bytes


def encode_split(message: Message, timestamp: str, payload_size: int | None) -> Parts:
    """Encode `message`, to be followed by `payload_size` bytes if it carries a payload.

    Between the parts belong the number, the key `epoch` and its value.
    """
    values = message.to_dict()
    # The one kind of update that says what it is about before its number.
    lead = {"key": values.pop("key")} if message.type.endswith("metadata-updated") else {}
    rest = {"timestamp": timestamp, **values}
    count = 3 + len(lead) + len(rest) + (payload_size is not None)
    before = _map_header(count) + _pairs({"type": message.type, **lead}) + _pack("sequence")
    after = _pairs(rest)
    if payload_size is not None:
        after += _pack("payload") + _bin_header(payload_size)
    return Parts(before, after)


def utc_timestamp() -> str:
    """Now, as `2026-01-02T03:04:05.678901Z`."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def encode(message: dict[str, Any] | list[Any]) -> bytes:
    """A whole message, as the schema is, in msgpack."""
    return _pack(message)


def decode(frame: bytes) -> dict[str, Any]:
    """The keys and values of a message, in the order of the wire."""
    return dict(msgpack.unpackb(frame, strict_map_key=False))


def type_prefix(kind: str) -> bytes:
    """What every message of that type begins with, after the byte that counts its keys."""
    return bytes(msgpack.packb("type") + msgpack.packb(kind))


def is_reference(frame: bytes) -> bool:
    """Whether the message refers to data instead of carrying it, so that it needs a `uri`."""
    return frame.startswith(_REFERENCES, 1)


def has_assets(frame: bytes) -> bool:
    """Whether the message may describe files."""
    return frame.startswith(_WITH_ASSETS, 1)


def remove_asset_sizes(frame: bytes) -> bytes:
    """The same message, whose assets have no sizes."""
    message = decode(frame)
    for source in message.get("data_sources") or [message.get("data_source")]:
        for asset in (source or {}).get("assets", ()):
            asset.pop("size", None)
    return encode(message)


def add_key(frame: bytes, key: str, value: Any) -> bytes:
    """The same message with one more key at its end; it has at most 15 keys then."""
    return bytes([frame[0] + 1]) + frame[1:] + _pack(key) + _pack(value)


def _pack(value: Any) -> bytes:
    try:
        return bytes(msgpack.packb(value))
    except (OverflowError, UnicodeEncodeError):
        # JSON says numbers and characters that msgpack has no form for. The closest one is better
        # than no update.
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        return bytes(msgpack.packb(json.loads(text, parse_int=_integer)))


def _integer(digits: str) -> int | float:
    value = int(digits)
    return value if SMALLEST_INTEGER <= value <= LARGEST_INTEGER else float(digits)


def _pairs(values: dict[str, Any]) -> bytes:
    """The keys and values of a map, without the one byte that counts them (at most 15)."""
    return _pack(values)[1:]


def _map_header(count: int) -> bytes:
    return bytes([0x80 | count])


def _bin_header(size: int) -> bytes:
    if size < 1 << 8:
        return struct.pack(">BB", 0xC4, size)
    if size < 1 << 16:
        return struct.pack(">BH", 0xC5, size)
    return struct.pack(">BI", 0xC6, size)


_REFERENCES = (type_prefix(ArrayRef.type), type_prefix(TableRef.type))
_WITH_ASSETS = (*_REFERENCES, type_prefix(ChildCreated.type))
