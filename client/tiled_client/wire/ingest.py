"""Frames and replies of the ingest endpoint, over which a producer writes to many nodes. No I/O.

A frame is the length of its header (uint32, big-endian), the header (a msgpack map), and the
payload, which is not part of the msgpack. A reply is a msgpack map with a `type`. See
docs/reference/ingest.md.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from .encodings import PayloadEncoding
from .errors import WireError

VERSION: Final = 1
LENGTH: Final = struct.Struct(">I")
MAX_HEADER_BYTES: Final = 1 << 16
"""The path of a node may be long; other headers have some fifty bytes."""
MAX_SEQUENCE: Final = 2**63 - 1
MAX_HANDLES: Final = 2**31
PRODUCER: Final = re.compile(r"[A-Za-z0-9_-]{8,32}")
MEDIA_TYPE: Final = "application/x-msgpack"
"""Media type of the frames in a request, and of the replies in its response."""
IDENTITY: Final = PayloadEncoding.identity.value
"""The encoding of a payload that is not compressed."""


class FrameOperation(StrEnum):
    """What a frame asks for."""

    open = "open"
    create = "create"
    write = "write"
    block = "block"
    patch = "patch"
    append = "append"
    metadata = "metadata"
    data_source = "data_source"
    close = "close"


REQUESTS: Final = frozenset({FrameOperation.open, FrameOperation.create})
"""Operations that have no sequence number: they open a handle."""


class ReplyType(StrEnum):
    """The kinds of replies."""

    hello = "hello"
    opened = "opened"
    ack = "ack"
    error = "error"
    notice = "notice"


@dataclass(slots=True)
class FrameHeader:
    """The header of a frame.

    `handle` is the number that the client gave to the node when it opened it. `sequence` counts the
    frames of one producer to one node, from 1 on. `offset` and `shape` belong to a patch, `block`
    to a block, `partition` to the rows of a table. With `extend`, a patch may grow the array along
    its first dimension, with `resize` along all of them. `encoding` is that of the payload.
    `options` are the other fields, of operations that are not writes.
    """

    op: FrameOperation
    handle: int
    sequence: int = 0
    persist: bool = True
    offset: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    block: tuple[int, ...] | None = None
    partition: int | None = None
    extend: bool = False
    resize: bool = False
    encoding: str = IDENTITY
    options: Mapping[str, Any] | None = None
    invalid: str | None = None


_OPERATIONS: Final = {operation.value: operation for operation in FrameOperation}


def encode_header(header: Mapping[str, Any]) -> bytes:
    """Return the beginning of a frame: the length of its header, and the header.

    Parameters
    ----------
    header
        The fields of `FrameHeader`, without those that have their default.

    Returns
    -------
    bytes
        What precedes the payload.
    """
    import msgpack

    packed: bytes = msgpack.packb(header)
    return LENGTH.pack(len(packed)) + packed


def decode_frame(frame: bytes | memoryview) -> tuple[FrameHeader, memoryview]:
    """Return the header and the payload of a frame, without a copy of the payload.

    Parameters
    ----------
    frame
        The whole frame.

    Returns
    -------
    tuple of FrameHeader and memoryview
        The header, and the payload.

    Raises
    ------
    WireError
        If the frame is not valid.
    """
    view = memoryview(frame)
    if len(view) < LENGTH.size:
        raise WireError("A frame begins with the length of its header, in four bytes.")
    (size,) = LENGTH.unpack_from(view)
    end = LENGTH.size + size
    if size > MAX_HEADER_BYTES or end > len(view):
        raise WireError(
            f"The header of a frame has {size} bytes, but the frame has {len(view)}, and a header "
            f"at most {MAX_HEADER_BYTES}."
        )
    import msgpack

    try:
        values = msgpack.unpackb(view[LENGTH.size : end])
    except Exception as error:
        raise WireError(f"The header of a frame is not a msgpack map: {error}") from error
    return _header(values), view[end:]


def split_frames(body: bytes | memoryview) -> list[memoryview]:
    """Return the frames in a body, in which each follows its length (uint64, big-endian).

    Parameters
    ----------
    body
        The whole body.

    Returns
    -------
    list of memoryview
        The frames.

    Raises
    ------
    WireError
        If the body ends within a frame.
    """
    view, frames, at = memoryview(body), [], 0
    while at < len(view):
        begin = at + 8
        at = begin + int.from_bytes(view[at:begin])
        if begin > len(view) or at > len(view):
            raise WireError("The body ends within a frame.")
        frames.append(view[begin:at])
    return frames


def encode_reply(kind: ReplyType, **fields: Any) -> bytes:
    """Return a reply.

    Parameters
    ----------
    kind
        Its type.
    **fields
        Its other fields.

    Returns
    -------
    bytes
        The message.
    """
    import msgpack

    return bytes(msgpack.packb({"type": kind.value, **fields}))


def decode_reply(message: bytes) -> dict[str, Any]:
    """Return the fields of a reply.

    Parameters
    ----------
    message
        The message.

    Returns
    -------
    dict
        The fields, `type` included.

    Raises
    ------
    WireError
        If the message is not a reply.
    """
    import msgpack

    try:
        values = msgpack.unpackb(message, strict_map_key=False)
    except Exception as error:
        raise WireError(f"A reply is a msgpack map: {error}") from error
    if not isinstance(values, dict) or not isinstance(values.get("type"), str):
        raise WireError("A reply is a msgpack map with a type.")
    return values


def _header(values: Any) -> FrameHeader:
    if not isinstance(values, dict):
        raise WireError(f"The header of a frame must be a map, not {type(values).__name__}.")
    name = values.get("op")
    op = _OPERATIONS.get(name) if isinstance(name, str) else None
    if op is None:
        raise WireError(f"op must be one of {', '.join(_OPERATIONS)}, not {name!r:.100}.")
    header = FrameHeader(op, _integer(values, "handle", MAX_HANDLES))
    if op in REQUESTS:
        header.options = values
        return header
    header.sequence = _integer(values, "sequence", MAX_SEQUENCE, minimum=1)
    try:
        _set_fields(header, values)
    except WireError as error:
        header.invalid = str(error)
    return header


def _set_fields(header: FrameHeader, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        match name:
            case "op" | "handle" | "sequence":
                pass
            case "persist" | "extend" | "resize":
                setattr(header, name, _flag(name, value))
            case "offset" | "shape" | "block":
                setattr(header, name, _sizes(name, value))
            case "partition":
                header.partition = _integer(values, name, MAX_SEQUENCE)
            case "encoding":
                header.encoding = _text(name, value)
            case _:
                raise WireError(f"The header of a frame has no field {name!r:.100}.")


def _integer(values: Mapping[str, Any], name: str, most: int, minimum: int = 0) -> int:
    value = values.get(name)
    if type(value) is not int or not minimum <= value <= most:
        raise WireError(f"{name} must be an integer from {minimum} on, not {value!r:.100}.")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise WireError(f"{name} must be true or false, not {value!r:.100}.")
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise WireError(f"{name} must be text, not {value!r:.100}.")
    return value


def _sizes(name: str, value: Any) -> tuple[int, ...]:
    valid = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    if not valid or not all(type(one) is int and 0 <= one <= MAX_SEQUENCE for one in value):
        raise WireError(f"{name} must be a list of sizes, not {value!r:.100}.")
    return tuple(value)
