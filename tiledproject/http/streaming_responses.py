"""Send chunked responses: one chunk at a time, while the client reads.

At most two chunks exist: the one that is being sent, and the next.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any

from django.http import StreamingHttpResponse

from .thread_pool import ThreadPool

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Make = Callable[..., Coroutine[Any, Any, Any]]


async def send_stream(
    response: StreamingHttpResponse,
    start: Message,
    send: Send,
    receive: Receive,
    threads: ThreadPool,
    make: Make | None = None,
) -> None:
    """Send the head `start` and all chunks; stop when the client disconnects.

    `send` waits until there is room. `make` runs a function in a thread as soon as one is free; by
    default `threads.run`. An exception of the iterator propagates, and aborts the connection.
    """
    pieces, gone = _pieces(response, make or threads.run), asyncio.ensure_future(receive())
    try:
        await send(start)
        async for piece in pieces:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        await pieces.aclose()
        await threads.run(response.close)


async def _pieces(response: StreamingHttpResponse, make: Make) -> Any:
    if response.is_async:
        async for piece in response:
            yield piece
        return
    pieces: Iterator[Any] = iter(response)
    # None marks the end, because a future cannot raise StopIteration.
    following = itertools.chain(pieces, itertools.repeat(None))
    while (piece := await _whole(make, following)) is not None:
        yield piece


async def _whole(make: Make, pieces: Iterator[Any]) -> Any:
    """Return the next chunk. After a cancellation it still waits for its thread to finish."""
    making = asyncio.ensure_future(make(next, pieces))
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        await asyncio.wait([making])
        raise
