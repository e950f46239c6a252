"""Encode messages as msgpack maps, once, when the update is written.

Two things are not known then: the sequence number, which Redis assigns in the step that stores the
update, and the URL under which a subscriber reaches this server. Because of the first, an update is
encoded in two parts, split around its number; the second is added to references when they are sent.

Source: docs/reference/tiled-protocol/streaming.md, Update messages.
"""

from __future__ import annotations

import json
import math
import struct
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgpack

from tiled_client.wire.encodings import decode_payload, encoded_size, parse_encoding
from tiled_client.wire.errors import WireError
from tiled_client.wire.messages import ArrayData, ArrayRef, ChildCreated, Message, TableRef

MAX_INTEGER = 2**64 - 1
MIN_INTEGER = -(2**63)
# Of msgpack's shortest form of a text, whose first byte has its length in these bits.
MAX_SHORT_TEXT = 31


class SplitMessage(NamedTuple):
    """The encoded update: up to the value of `sequence`, and after that of `epoch`."""

    before: bytes
    after: bytes


def encode_split(message: Message, timestamp: str, payload_size: int | None) -> SplitMessage:
    """Encode `message`, to be followed by `payload_size` bytes if it carries a payload.

    The sequence number, the key `epoch` and its value belong between the two parts.
    """
    values = message.to_dict()
    # Tiled's metadata updates are the only ones with their `key` in front of the number. So has
    # the encoding of a payload, which is looked for in every frame.
    first = "key" if message.type.endswith("metadata-updated") else "encoding"
    lead = {first: values.pop(first)} if first in values else {}
    rest = {"timestamp": timestamp, **values}
    count = 3 + len(lead) + len(rest) + (payload_size is not None)
    before = _map_header(count) + _pairs({"type": message.type, **lead}) + _pack("sequence")
    after = _pairs(rest)
    if payload_size is not None:
        after += _pack("payload") + _bin_header(payload_size)
    return SplitMessage(before, after)


def utc_timestamp() -> str:
    """Return the current time as `2026-01-02T03:04:05.678901Z`."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def encode(message: dict[str, Any] | list[Any]) -> bytes:
    """Encode a complete message, such as the schema, in msgpack."""
    return _pack(message)


def decode(frame: bytes) -> dict[str, Any]:
    """Decode a message; its keys keep the order in which they were encoded."""
    return dict(msgpack.unpackb(frame, strict_map_key=False))


def type_prefix(kind: str) -> bytes:
    """Return how messages of type `kind` begin, after the byte that counts their keys."""
    return bytes(msgpack.packb("type") + msgpack.packb(kind))


def is_reference(frame: bytes) -> bool:
    """Return whether the message refers to data instead of carrying it, so that it needs a URL."""
    return frame.startswith(_REFERENCES, 1)


def has_assets(frame: bytes) -> bool:
    """Return whether the message may describe files."""
    return frame.startswith(_WITH_ASSETS, 1)


def encoding_of(frame: bytes) -> str | None:
    """Return how the payload of the message is encoded; None if it is not compressed."""
    if not frame.startswith(_ENCODED, 1):
        return None
    begin = 1 + len(_ENCODED)
    return frame[begin + 1 : begin + 1 + (frame[begin] & MAX_SHORT_TEXT)].decode()


def decoded_size(frame: bytes) -> int:
    """Return the size of the message, and if the payload is encoded, that of its content, too."""
    encoding = encoding_of(frame)
    if encoding is None:
        return len(frame)
    try:
        return len(frame) + encoded_size(parse_encoding(encoding), decode(frame)["payload"])
    except WireError:  # it is reported to the subscribers that need it decoded
        return len(frame)


def decode_encoded(frame: bytes, itemsize: int) -> bytes:
    """Return a message with an encoded payload as if the payload had been sent unencoded.

    `itemsize` is that of the array. Raises WireError.
    """
    message = decode(frame)
    encoding, payload = parse_encoding(message.pop("encoding")), message["payload"]
    size = math.prod(message["shape"]) * itemsize
    message["payload"] = decode_payload(encoding, payload, nbytes=size, itemsize=itemsize).data
    return encode(message)


def remove_asset_sizes(frame: bytes) -> bytes:
    """Return the message without the sizes of its assets."""
    message = decode(frame)
    for source in message.get("data_sources") or [message.get("data_source")]:
        for asset in (source or {}).get("assets", ()):
            asset.pop("size", None)
    return encode(message)


def add_key(frame: bytes, key: str, value: Any) -> bytes:
    """Return the message with one more key at its end; it must have at most 14 keys."""
    # A map of up to 15 keys has its size in the low bits of its first byte. To change that byte
    # and append is much cheaper than to decode and encode.
    return bytes([frame[0] + 1]) + frame[1:] + _pack(key) + _pack(value)


def _pack(value: Any) -> bytes:
    try:
        return bytes(msgpack.packb(value))
    except (OverflowError, UnicodeEncodeError):
        # JSON has integers and lone surrogates that msgpack cannot represent. The closest value is
        # better than no update.
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        return bytes(msgpack.packb(json.loads(text, parse_int=_integer)))


def _integer(digits: str) -> int | float:
    value = int(digits)
    return value if MIN_INTEGER <= value <= MAX_INTEGER else float(digits)


def _pairs(values: dict[str, Any]) -> bytes:
    """Encode the keys and values of a map without the byte that counts them (at most 15)."""
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
_ENCODED = type_prefix(ArrayData.type) + bytes(msgpack.packb("encoding"))
_WITH_ASSETS = (*_REFERENCES, type_prefix(ChildCreated.type))
