"""Responses without copies: from a buffer in memory, or in chunks made while they are sent.

Django's own responses copy a body that is not `bytes`, which for megabytes costs more than the
rest of the request.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

Piece = bytes | memoryview


class BufferResponse(HttpResponse):
    """A response whose body is in memory: bytes, a view, or a mapped file.

    `itemsize` is the size of one element in bytes, if the body is an array.
    """

    def __init__(self, body: Piece = b"", *, itemsize: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.itemsize = itemsize
        self.body = body

    @property
    def content(self) -> bytes:
        """Return the body as bytes; copies a view."""
        return bytes(self.body)

    @content.setter
    def content(self, value: Any) -> None:
        self.body = value if isinstance(value, bytes | memoryview) else self.make_bytes(value)

    def __iter__(self) -> Iterator[bytes]:
        return iter([self.content])


class ChunkedResponse(StreamingHttpResponse):
    """A response in chunks, each made when the client can receive it.

    `first` are the chunks that exist already.
    """

    def __init__(
        self,
        first: Iterable[Piece],
        pieces: Iterator[Piece],
        *,
        itemsize: int = 1,
        **options: Any,
    ) -> None:
        super().__init__(itertools.chain(first, pieces), **options)
        self.itemsize = itemsize
        self._made = pieces

    def make_bytes(self, value: Any) -> Any:
        """Return the chunk unchanged."""
        return value

    def close(self) -> None:
        """Close the iterator and release its resources, whether or not it was consumed."""
        super().close()
        close = getattr(self._made, "close", None)
        if close is not None:
            close()
