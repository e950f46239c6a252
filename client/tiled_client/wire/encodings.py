"""Encodings of payloads: formats in which producers send the numbers of an array compressed.

================  =================================================================================
`identity`        C-order bytes, not compressed
`bitshuffle-lz4`  what HDF5's filter 32008 writes: bitshuffle with LZ4, as Dectris detectors send it
`blosc`           a chunk of Blosc 1
`blosc2`          a chunk of Blosc 2 (not a frame)
`lz4`             the size of the data (int32, little-endian) and an LZ4 block, as of numcodecs
`zstd`            a Zstandard frame with the size of its content
================  =================================================================================

All of them state the size of the data in their first bytes. It is compared with the size that the
data must have before anything is allocated, and no more than that is ever decompressed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import numpy as np

from .blosc_chunks import (
    BITSHUFFLE_HEADER,
    HEADER,
    LZ4_SIZE,
    Buffer,
    chunk_of_bitshuffle,
    chunk_of_lz4,
    library,
)
from .errors import WireError


class PayloadEncoding(StrEnum):
    """How the numbers of an array are encoded in a payload."""

    identity = "identity"
    bitshuffle_lz4 = "bitshuffle-lz4"
    blosc = "blosc"
    blosc2 = "blosc2"
    lz4 = "lz4"
    zstd = "zstd"


COMPRESSED: Final = tuple(one for one in PayloadEncoding if one is not PayloadEncoding.identity)
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SIZES = {0: (1, 0), 1: (2, 256), 2: (4, 0), 3: (8, 0)}
"""By the flag in the frame's header: the bytes of its content size, and what is added to that."""
_BLOSC_BITSHUFFLE = 2
_FIRST_BLOSC2_VERSION = 3
_SIZE_AND_OWN_SIZE = struct.Struct("<4xi4xi")


def parse_encoding(name: str) -> PayloadEncoding:
    """Return the encoding of this name.

    Parameters
    ----------
    name
        A name, in any case.

    Returns
    -------
    PayloadEncoding

    Raises
    ------
    WireError
        If it is unknown.
    """
    try:
        return PayloadEncoding(name.lower())
    except ValueError:
        known = ", ".join(PayloadEncoding)
        raise WireError(f"Unknown encoding {name!r:.50}. Known ones: {known}.") from None


def encoded_size(encoding: PayloadEncoding, payload: Buffer) -> int:
    """Return the size in bytes that the data of a payload have, as its header states.

    Parameters
    ----------
    encoding
        The encoding of the payload.
    payload
        The payload.

    Returns
    -------
    int
        The size in bytes.

    Raises
    ------
    WireError
        If the payload has no valid header.
    """
    if encoding is PayloadEncoding.identity:
        return len(payload)
    try:
        size = _SIZES[encoding](memoryview(payload))
    except (struct.error, IndexError):
        size = None
    if size is None or size < 0:
        raise WireError(f"The payload of {len(payload)} bytes does not begin as {encoding} does.")
    return size


def decode_payload(
    encoding: PayloadEncoding, payload: Buffer, *, nbytes: int, itemsize: int
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the bytes of an array.

    Parameters
    ----------
    encoding
        The encoding of the payload.
    payload
        The payload.
    nbytes
        The size that the array must have.
    itemsize
        The size of its elements.

    Returns
    -------
    numpy.ndarray
        The bytes in C order.

    Raises
    ------
    WireError
        If the payload is damaged, or has another size.
    """
    size = encoded_size(encoding, payload)
    if size != nbytes:
        raise WireError(f"The payload has {size} bytes in {encoding}, but {nbytes} are expected.")
    if encoding is PayloadEncoding.identity or not nbytes:
        return np.frombuffer(payload, np.uint8) if nbytes else np.empty(0, np.uint8)
    try:
        blosc = as_blosc(encoding, payload, itemsize)
        content = np.empty(nbytes, np.uint8)
        if blosc is not None:
            done = library("numcodecs.blosc").decompress(blosc, content)
        elif encoding is PayloadEncoding.zstd:
            done = library("numcodecs.zstd").decompress(payload, content)
        else:
            done = library("blosc2").decompress2(bytes(payload), dst=content, nthreads=1)
    except (RuntimeError, ValueError) as error:
        raise WireError(f"The payload is damaged, or not {encoding}: {error}") from error
    del done
    return content


def as_blosc(encoding: PayloadEncoding, payload: Buffer, itemsize: int) -> Buffer | None:
    """Return a payload as a chunk of Blosc 1, if that needs no compression; else None.

    Parameters
    ----------
    encoding
        The encoding of the payload.
    payload
        The payload.
    itemsize
        The size of an element in bytes.

    Returns
    -------
    bytes or None
        The chunk.

    Raises
    ------
    WireError
        If the payload is damaged, as far as its headers tell.
    """
    match encoding:
        case PayloadEncoding.blosc:
            return payload
        case PayloadEncoding.bitshuffle_lz4:
            return chunk_of_bitshuffle(payload, itemsize)
        case PayloadEncoding.lz4:
            return chunk_of_lz4(payload)
    return None


def encode_payload(encoding: PayloadEncoding | str, array: np.ndarray[Any, Any]) -> bytes:
    """Return an array compressed.

    Parameters
    ----------
    encoding
        A name of an encoding. `bitshuffle-lz4` is what detectors and HDF5 write, and is only read.
    array
        The array.

    Returns
    -------
    bytes
        The payload.

    Raises
    ------
    WireError
        If the encoding is unknown, or only read.
    """
    encoding, array = parse_encoding(encoding), np.ascontiguousarray(array)
    data = array.reshape(-1).view(np.uint8)
    match encoding:
        case PayloadEncoding.identity:
            return data.tobytes()
        case PayloadEncoding.zstd:
            return bytes(library("numcodecs.zstd").compress(data, 1))
        case PayloadEncoding.lz4:
            return bytes(library("numcodecs.lz4").compress(data))
        case PayloadEncoding.blosc:
            compress = library("numcodecs.blosc").compress
            typesize = array.itemsize if array.itemsize <= 255 else 1
            return bytes(compress(data, b"lz4", 5, _BLOSC_BITSHUFFLE, 0, typesize))
        case PayloadEncoding.blosc2:
            typesize = array.itemsize if array.itemsize <= 255 else 1
            return bytes(library("blosc2").compress2(data, typesize=typesize, nthreads=1))
    raise WireError(
        f"{encoding} is written by detectors and by HDF5; compress as blosc, which has the same "
        "filter and compressor."
    )


def _zstd_size(view: memoryview) -> int | None:
    if view[:4] != _ZSTD_MAGIC:
        return None
    descriptor = view[4]
    single, flag, dictionary = descriptor >> 5 & 1, descriptor >> 6, descriptor & 3
    if not flag and not single:
        return None  # the size is not stated
    begin = 5 + (not single) + (0, 1, 2, 4)[dictionary]
    length, added = _ZSTD_SIZES[flag]
    if begin + length > len(view):
        return None
    return int.from_bytes(view[begin : begin + length], "little") + added


def _blosc_size(view: memoryview) -> int | None:
    version, *_, nbytes, _, own = HEADER.unpack_from(view)
    # A decoder takes its own size from the header, and would read beyond the payload.
    return nbytes if version < _FIRST_BLOSC2_VERSION and own == len(view) else None


def _blosc2_size(view: memoryview) -> int | None:
    nbytes, own = _SIZE_AND_OWN_SIZE.unpack_from(view)
    return int(nbytes) if own == len(view) else None


def _bitshuffle_size(view: memoryview) -> int | None:
    return int(BITSHUFFLE_HEADER.unpack_from(view)[0])


def _lz4_size(view: memoryview) -> int | None:
    return int(LZ4_SIZE.unpack_from(view)[0])


_SIZES: Final[dict[PayloadEncoding, Callable[[memoryview], int | None]]] = {
    PayloadEncoding.zstd: _zstd_size,
    PayloadEncoding.blosc: _blosc_size,
    PayloadEncoding.blosc2: _blosc2_size,
    PayloadEncoding.bitshuffle_lz4: _bitshuffle_size,
    PayloadEncoding.lz4: _lz4_size,
}
