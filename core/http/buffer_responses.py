"""Responses whose bytes are sent from where they lie, and ones that are made while they are sent.

Django's own copy what is no `bytes`; for megabytes that costs more than all the rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpResponse, StreamingHttpResponse

Piece = bytes | memoryview


class BufferResponse(HttpResponse):
    """A response with a body at hand, which may be a view of memory, or of a mapped file.

    `itemsize` is how many bytes an element takes, where the body is of numbers.
    """

    def __init__(self, body: Piece = b"", *, itemsize: int = 1, **options: Any) -> None:
        super().__init__(**options)
        self.itemsize = itemsize
        self.body = body

    @property
    def content(self) -> bytes:
        """The body, copied where it is a view."""
        return bytes(self.body)

    @content.setter
    def content(self, value: Any) -> None:
        self.body = value if isinstance(value, bytes | memoryview) else self.make_bytes(value)

    def __iter__(self) -> Iterator[bytes]:
        return iter([self.content])


class ChunkedResponse(StreamingHttpResponse):
    """A response whose pieces are made one at a time, whenever the client has room for another.

    `first` are those that there are already.
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
        """The piece as it is."""
        return value

    def close(self) -> None:
        """Let go of what pieces are made of, whoever has taken some."""
        super().close()
        close = getattr(self._made, "close", None)
        if close is not None:
            close()
