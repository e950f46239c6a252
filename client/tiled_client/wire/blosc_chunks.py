"""Blosc chunks of other LZ4 formats: blocks are taken over as they are, only the headers differ.

Every Zarr library reads Blosc, and none reads the format of HDF5's filter 32008 (bitshuffle with
LZ4), in which detectors send their frames. Both formats divide the elements into blocks, transpose
the bits of each, and compress it with LZ4, so that one is made of the other without decompression.
Only blocks that Blosc writes in another way are decoded: the last one if its elements are not a
multiple of 8, and those that compression has made larger.

=================  ================================================================================
filter 32008       size (uint64), block size (uint32), then each block behind its compressed size
                   (uint32), all big-endian; elements beyond a multiple of 8 follow as they are
Blosc 1            header of 16 bytes, the place of each block (int32), then each block behind its
                   compressed size (int32), all little-endian; one of full size is not compressed
=================  ================================================================================
"""

from __future__ import annotations

import struct
from importlib import import_module
from typing import Any, Final

import numpy as np

from .errors import WireError

Buffer = bytes | memoryview

HEADER: Final = struct.Struct("<BBBBiii")
"""Version of the format and of its compressor, flags, item size, size, block size, own size."""
BITSHUFFLE_HEADER: Final = struct.Struct(">QI")
LZ4_SIZE: Final = struct.Struct("<i")
MAX_BYTES: Final = 2**31 - 17
MAX_ITEMSIZE: Final = 255
_VERSION, _LZ4_VERSION = 2, 1
_BITSHUFFLE, _NOT_SPLIT, _LZ4 = 0x04, 0x10, 1 << 5


def chunk_of_bitshuffle(payload: Buffer, itemsize: int) -> bytes:
    """Return the Blosc chunk of a payload of HDF5's filter 32008.

    Parameters
    ----------
    payload
        What the filter has written.
    itemsize
        The size of an element in bytes.

    Returns
    -------
    bytes
        A chunk of Blosc 1.

    Raises
    ------
    WireError
        If the payload is damaged, as far as its headers tell.
    """
    view = memoryview(payload)
    nbytes, block = BITSHUFFLE_HEADER.unpack_from(view)
    group = 8 * itemsize
    if not 0 < nbytes <= MAX_BYTES or not block or block % group or itemsize > MAX_ITEMSIZE:
        raise WireError(
            f"Not bitshuffle-lz4: its header has {nbytes} bytes in blocks of {block}, for elements "
            f"of {itemsize} bytes."
        )
    end = nbytes // group * group
    sizes = [min(block, end - begin) for begin in range(0, end, block)]
    pieces, at = [], BITSHUFFLE_HEADER.size
    for size in sizes:
        stop = at + 4 + int.from_bytes(view[at : at + 4])
        if not at + 4 < stop <= len(view):
            raise WireError("Not bitshuffle-lz4: the payload ends within a block.")
        piece = view[at + 4 : stop]
        pieces.append(piece if len(piece) < size else _lz4_block(piece, size))
        at = stop
    rest = view[at:]
    if len(rest) != nbytes - end:
        raise WireError(f"Not bitshuffle-lz4: {len(rest)} bytes follow the last block.")
    if rest:
        last = b""
        if sizes and sizes[-1] < block:
            last = _last_block(pieces.pop(), sizes.pop(), itemsize)
        pieces.append(memoryview(last + bytes(rest)))
    return _chunk(pieces, nbytes, min(block, nbytes), itemsize, _BITSHUFFLE)


def chunk_of_lz4(payload: Buffer) -> bytes:
    """Return the Blosc chunk of an LZ4 block behind its size (int32, little-endian).

    Parameters
    ----------
    payload
        The size of the data, and the block.

    Returns
    -------
    bytes
        A chunk of Blosc 1.

    Raises
    ------
    WireError
        If the payload is damaged, as far as its header tells.
    """
    view = memoryview(payload)
    (nbytes,) = LZ4_SIZE.unpack_from(view)
    if not 0 < nbytes <= MAX_BYTES // 3:
        raise WireError(f"Not lz4: its header has a size of {nbytes} bytes.")
    piece = view[LZ4_SIZE.size :]
    if len(piece) >= nbytes:
        piece = _lz4_block(piece, nbytes)
    return _chunk([piece], nbytes, nbytes, 1, 0)


def _chunk(pieces: list[memoryview], nbytes: int, block: int, itemsize: int, shuffle: int) -> bytes:
    at = HEADER.size + 4 * len(pieces)
    parts: list[Buffer] = [b"", b""]
    places = []
    for piece in pieces:
        places.append(at)
        at += 4 + len(piece)
        parts += (LZ4_SIZE.pack(len(piece)), piece)
    flags = shuffle | _NOT_SPLIT | _LZ4
    parts[0] = HEADER.pack(_VERSION, _LZ4_VERSION, flags, itemsize, nbytes, block, at)
    parts[1] = struct.pack(f"<{len(places)}i", *places)
    return b"".join(parts)


def _lz4_block(piece: memoryview, size: int) -> memoryview:
    """Return the `size` bytes of an LZ4 block."""
    lz4: Any = library("numcodecs.lz4")
    content = np.empty(size, np.uint8)
    try:
        lz4.decompress(LZ4_SIZE.pack(size) + piece, content)
    except (RuntimeError, ValueError) as error:
        raise WireError(f"A block of LZ4 is damaged: {error}") from error
    return content.data


def _last_block(piece: memoryview, size: int, itemsize: int) -> bytes:
    """Return the elements of a transposed block of `size` bytes."""
    raw = piece if len(piece) == size else _lz4_block(piece, size)
    planes = np.frombuffer(raw, np.uint8).reshape(8 * itemsize, -1)
    bits = np.unpackbits(planes, axis=1, bitorder="little")
    return np.packbits(bits.T, axis=1, bitorder="little").tobytes()


def library(name: str) -> Any:
    """Import a library of compression at first use.

    Parameters
    ----------
    name
        Its module.

    Returns
    -------
    module
        The module.

    Raises
    ------
    ImportError
        If it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(
            f'Compressed payloads require the package {package}: pip install "tiled-client[codecs]"'
        ) from error
