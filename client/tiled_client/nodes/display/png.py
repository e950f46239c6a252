"""Small PNG images, by the standard library."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PALETTE_TYPE, RGB_TYPE, RGBA_TYPE = 3, 2, 6
# Fewer levels than a byte has: noise compresses better, and the difference is invisible.
LEVELS = 128
# Colours from low to high that differ in lightness, too.
_ANCHORS = (
    (68, 1, 84),
    (70, 50, 126),
    (54, 92, 141),
    (39, 127, 142),
    (31, 161, 135),
    (74, 193, 109),
    (160, 218, 57),
    (253, 231, 37),
)


def encode_levels(levels: Array) -> bytes:
    """Return the PNG of a 2-d array of levels; those of `LEVELS` are transparent."""
    positions = np.linspace(0, len(_ANCHORS) - 1, LEVELS)
    channels = [np.interp(positions, range(len(_ANCHORS)), each) for each in np.transpose(_ANCHORS)]
    colours = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    palette = colours.tobytes() + b"\0\0\0"
    opacity = b"\xff" * LEVELS + b"\0"
    chunks = [(b"PLTE", palette), (b"tRNS", opacity)]
    return _encode(levels.astype(np.uint8), levels.shape[1], PALETTE_TYPE, chunks)


def encode_colours(pixels: Array) -> bytes:
    """Return the PNG of rows of pixels of three or four bytes."""
    rows = np.ascontiguousarray(pixels, np.uint8).reshape(len(pixels), -1)
    kind = RGB_TYPE if pixels.shape[2] == 3 else RGBA_TYPE
    return _encode(rows, pixels.shape[1], kind, [])


def data_url(image: bytes) -> str:
    """Return the URL of an image that holds the image itself."""
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"


def _encode(rows: Array, width: int, kind: int, chunks: list[tuple[bytes, bytes]]) -> bytes:
    # Each row begins with the number of its filter: 0, none.
    filtered = np.pad(rows, ((0, 0), (1, 0)))
    header = struct.pack(">IIBBBBB", width, len(rows), 8, kind, 0, 0, 0)
    data = zlib.compress(filtered.tobytes(), 9)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", data), (b"IEND", b"")]
    return SIGNATURE + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
