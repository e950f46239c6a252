"""The frames for one node on one connection: carried out in order, many at a time.

| state | `node` | frames that arrive | leaves on |
| --- | --- | --- | --- |
| opening | None | wait | opened; failed: stopped |
| opened | set | wait for their turn | a failure that stops: stopped |
| stopped | None | are discarded | the client opens it again: opening |
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol

from tiled_client.wire.ingest import REQUESTS

from ..ingest_config import IngestSettings
from .failures import Failure, describe
from .opened_nodes import BatchOutcome, OpenedNode, ReceivedFrame, batch_length, due_frames
from .threads import in_thread
from .writing import write_frames


class Replies(Protocol):
    """What a queue reports to its connection."""

    async def opened(self, handle: int, node: OpenedNode) -> None:
        """Report that the node is open."""

    async def written(self, handle: int, outcome: BatchOutcome) -> None:
        """Report what became of frames."""

    def forget(self, frames: int, size: int) -> None:
        """Stop counting frames towards the window."""


class NodeQueue:
    """Carries out the frames of one handle. `opener` opens its node, in a thread.

    `ready` is awaited before frames are written: permissions may have to be checked again.
    """

    def __init__(
        self,
        handle: int,
        settings: IngestSettings,
        replies: Replies,
        opener: Callable[[ReceivedFrame], OpenedNode],
        ready: Callable[[NodeQueue], Awaitable[None]],
    ) -> None:
        self.handle = handle
        self.node: OpenedNode | None = None
        self._settings, self._replies = settings, replies
        self._opener, self._ready = opener, ready
        self._frames: deque[ReceivedFrame] = deque()
        self._task: asyncio.Task[None] | None = None
        self._notice: asyncio.Future[None] | None = None
        self._stopped = False

    def add(self, frame: ReceivedFrame) -> None:
        """Carry out a frame after those before it."""
        if frame.header.op in REQUESTS:
            self._stopped = False
        elif self._stopped:
            self._replies.forget(1, frame.size)
            return
        self._frames.append(frame)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def revoke(self, failure: Failure) -> None:
        """Apply nothing more: the producer may not write to the node any more."""
        if self.node is not None:
            self._notice = asyncio.ensure_future(self._fail(self.node.applied + 1, failure))

    async def drain(self) -> None:
        """Wait until all frames are carried out."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def discard(self) -> None:
        """Drop all frames that wait."""
        self._stop()

    async def _run(self) -> None:
        try:
            while self._frames:
                if self._frames[0].header.op in REQUESTS:
                    await self._open(self._frames.popleft())
                else:
                    await self._write()
        except Exception as error:  # noqa: BLE001  A defect must not leave the producer waiting.
            applied = self.node.applied if self.node else 0
            await self._fail(applied + 1, describe(error, f"with the handle {self.handle}"))
        finally:
            self._task = None

    async def _open(self, frame: ReceivedFrame) -> None:
        try:
            node = await in_thread(self._opener, frame)
        except Exception as error:  # noqa: BLE001  Every failure is reported to the producer.
            await self._fail(0, describe(error, str((frame.header.options or {}).get("path"))))
        else:
            self.node = node
            await self._replies.opened(self.handle, node)
        finally:
            self._replies.forget(1, frame.size)

    async def _write(self) -> None:
        await self._ready(self)
        node, frames = self.node, self._next_batch()
        if not frames:
            return
        if node is None:
            self._replies.forget(len(frames), sum(frame.size for frame in frames))
            return
        size = sum(frame.size for frame in frames)
        try:
            outcome = await self._outcome(node, frames)
        finally:
            self._replies.forget(len(frames), size)
        if outcome.stopped:
            self._stop()
        await self._replies.written(self.handle, outcome)

    async def _outcome(self, node: OpenedNode, frames: list[ReceivedFrame]) -> BatchOutcome:
        outcome, due = due_frames(node, frames)
        if due:
            outcome = await in_thread(write_frames, node, due)
            node.applied = outcome.applied
        return outcome

    def _next_batch(self) -> list[ReceivedFrame]:
        frames = self._frames
        while frames and frames[0].header.op in REQUESTS:
            return []
        if not frames:
            return []
        until = next((n for n, one in enumerate(frames) if one.header.op in REQUESTS), len(frames))
        waiting = [frames[n] for n in range(min(until, self._settings.batch_frames))]
        count = batch_length(waiting, self._settings.batch_frames, self._settings.batch_bytes)
        for _ in range(count):
            frames.popleft()
        return waiting[:count]

    async def _fail(self, sequence: int, failure: Failure) -> None:
        outcome = BatchOutcome(self.node.applied if self.node else 0)
        outcome.fail(sequence, failure)
        outcome.stopped = True
        self._stop()
        await self._replies.written(self.handle, outcome)

    def _stop(self) -> None:
        """Discard what waits, until the client opens the node again."""
        self._stopped, self.node = True, None
        again = next((n for n, one in enumerate(self._frames) if one.header.op in REQUESTS), None)
        gone = len(self._frames) if again is None else again
        dropped = [self._frames.popleft() for _ in range(gone)]
        self._replies.forget(len(dropped), sum(frame.size for frame in dropped))
        self._stopped = not self._frames
