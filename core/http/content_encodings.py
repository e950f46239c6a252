"""Content encodings: gzip, Zstandard and Blosc2, of a whole body or in chunks.

All at fast levels, because their purpose is to save time. Source: docs/reference/tiled-
protocol/http.md, "Compression and caching".
"""

from __future__ import annotations

import threading
import zlib
from abc import ABC, abstractmethod
from functools import cache
from typing import Any, ClassVar

import zstandard

Piece = bytes | memoryview
GZIP_LEVEL = 1
GZIP_WINDOW = 31  # 15 bits, with the header and trailer of gzip
ZSTD_LEVEL = 1
BLOSC_LEVEL = 5
# Its frames count in 32 bits.
BLOSC_CHUNK_BYTES = 1 << 30


class Encoder(ABC):
    """Encodes one body, given piece by piece."""

    name: ClassVar[str]

    @abstractmethod
    def encode(self, piece: Piece) -> bytes:
        """Return the encoded bytes that are complete after `piece`."""

    def end(self) -> bytes:
        """Return the remaining encoded bytes."""
        return b""

    def whole(self, body: Piece) -> bytes:
        """Return a whole body, encoded."""
        return self.encode(body) + self.end()


class Gzip(Encoder):
    """Gzip, which every client can decode."""

    name = "gzip"

    def __init__(self, itemsize: int = 1) -> None:
        self._deflate = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)

    def encode(self, piece: Piece) -> bytes:
        """Return the encoded bytes that are complete after `piece`."""
        return self._deflate.compress(piece)

    def end(self) -> bytes:
        """Return the remaining encoded bytes."""
        return self._deflate.flush()


class Zstd(Encoder):
    """Zstandard: one frame for the whole body, since some decoders read no second one."""

    name = "zstd"

    def __init__(self, itemsize: int = 1) -> None:
        self._frame: Any = None

    def encode(self, piece: Piece) -> bytes:
        """Return the encoded bytes that are complete after `piece`."""
        if self._frame is None:
            self._frame = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
        encoded: bytes = self._frame.compress(piece)
        rest: bytes = self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return encoded + rest

    def end(self) -> bytes:
        """Return the remaining encoded bytes."""
        return b"" if self._frame is None else bytes(self._frame.flush())

    def whole(self, body: Piece) -> bytes:
        """Return a whole body, encoded in a frame that contains its length."""
        return _zstd_of_thread().compress(body)


class Blosc2(Encoder):
    """Blosc2: a frame for each piece, elements of `itemsize` bytes shuffled by their bytes."""

    name = "blosc2"

    def __init__(self, itemsize: int = 1) -> None:
        # The format has one byte for it.
        self._itemsize = itemsize if itemsize <= 255 else 1

    def encode(self, piece: Piece) -> bytes:
        """Return `piece` as a Blosc2 chunk."""
        if not len(piece):
            return b""
        if len(piece) > BLOSC_CHUNK_BYTES:
            return self.encode(piece[:BLOSC_CHUNK_BYTES]) + self.encode(piece[BLOSC_CHUNK_BYTES:])
        blosc2 = _blosc2()
        frame: bytes = blosc2.compress(
            piece,
            typesize=self._itemsize,
            clevel=BLOSC_LEVEL,
            filter=blosc2.Filter.SHUFFLE,
            codec=blosc2.Codec.LZ4,
        )
        return frame


ENCODERS: dict[str, type[Gzip] | type[Zstd] | type[Blosc2]] = {
    encoder.name: encoder for encoder in (Blosc2, Zstd, Gzip)
}

_kept = threading.local()


def _zstd_of_thread() -> zstandard.ZstdCompressor:
    compressor: zstandard.ZstdCompressor | None = getattr(_kept, "zstd", None)
    if compressor is None:
        compressor = _kept.zstd = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    return compressor


@cache
def _blosc2() -> Any:
    """Return the library, imported at first use, which takes a quarter of a second."""
    import blosc2

    # Requests have threads enough between them.
    blosc2.set_nthreads(1)
    return blosc2
