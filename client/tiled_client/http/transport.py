"""Interface of what does the I/O of requests: blocking or for asyncio."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from .request import Request
from .responses import Response

T = TypeVar("T")
R = TypeVar("R")

CHUNK_BYTES = 1 << 20


class Sink(Protocol):
    """Where the body of a successful response goes as it arrives."""

    def begin(self, response: Response) -> None:
        """Receive the response without its body, before the first chunk of each attempt."""

    def write(self, chunk: bytes) -> None:
        """Receive a chunk of the body."""


class Transport(Protocol):
    """Sends requests, waits, and does several things at a time.

    Its methods are coroutines. Those of a blocking transport never suspend; see `operations`.
    """

    @property
    def has_zstd(self) -> bool:
        """Whether responses in Zstandard can be decoded."""

    async def exchange(
        self, request: Request, credentials: Mapping[str, str], sink: Sink | None = None
    ) -> Response:
        """Make one attempt; the body of a successful response goes to `sink`, if given.

        An error status is returned. Raises TransportError.
        """

    async def sleep(self, seconds: float) -> None:
        """Wait."""

    async def map(
        self, function: Callable[[T], Coroutine[Any, Any, R]], items: Sequence[T]
    ) -> list[R]:
        """Return `function` of each item, a few at a time; raises the first error."""

    async def call(self, function: Callable[[], R]) -> R:
        """Return the result of a function that blocks."""
