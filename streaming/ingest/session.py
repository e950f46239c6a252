"""One connection of a producer: its handles, its window, and the replies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

import msgpack

from access.principals import Principal
from core.errors import BadRequest
from tiled_client.wire.encodings import PayloadEncoding
from tiled_client.wire.errors import WireError
from tiled_client.wire.ingest import (
    REQUESTS,
    VERSION,
    ReplyType,
    encode_reply,
)

from ..ingest_config import IngestSettings
from ..metrics import FRAMES_RECEIVED
from .failures import Failure
from .intake import Intake
from .node_queue import NodeQueue
from .opened_nodes import BatchOutcome, OpenedNode, ReceivedFrame, parse_frame
from .opening import open_node
from .replies import opened_reply, outcome_replies

Send = Callable[[bytes], Awaitable[None]]
GONE = Failure(404, "The node was deleted, or may not be written to any more.")


class PermissionGate(Protocol):
    """Watches whether the principal of a connection may still write to nodes."""

    def watch(self, node: OpenedNode, on_hidden: Callable[[], None]) -> object:
        """Watch over a node; call `on_hidden` once it may not be written to."""

    async def wait(self, watch: object) -> None:
        """Wait until the permissions on a node are known."""

    def unwatch(self, watch: object) -> None:
        """Stop watching; harmless if already stopped."""


class IngestSession:
    """Receives frames of one producer, has them carried out, and acknowledges them."""

    def __init__(
        self,
        send: Send,
        principal: Principal,
        settings: IngestSettings,
        gate: PermissionGate,
        intake: Intake,
    ) -> None:
        self._send, self._principal, self._settings = send, principal, settings
        self._gate, self._intake = gate, intake
        self._queues: dict[int, NodeQueue] = {}
        self._watches: dict[int, object] = {}
        self._told = False

    async def greet(self) -> None:
        """Send the limits that the producer must keep to."""
        settings = self._settings
        await self._reply(
            ReplyType.hello,
            version=VERSION,
            window_bytes=settings.window_bytes,
            window_frames=settings.window_frames,
            frame_bytes=settings.frame_bytes,
            encodings=list(PayloadEncoding),
        )

    async def receive(self, message: bytes | memoryview) -> None:
        """Take a frame; return when there is room for another. Raises BadRequest."""
        try:
            frame = parse_frame(message)
        except WireError as error:
            raise BadRequest(f"Invalid frame: {error}") from error
        FRAMES_RECEIVED.labels().add_alone()
        if not self._intake.add(frame.size) and not self._told:
            self._told = True
            await self._reply(
                ReplyType.notice,
                status=429,
                detail="More frames were sent than the window allows (window_bytes and "
                "window_frames of the greeting). Wait for acknowledgements.",
            )
        queue = self._queues.get(frame.header.handle)
        if queue is None:
            queue = self._new_queue(frame)
        queue.add(frame)
        await self._intake.wait()

    async def drain(self) -> None:
        """Wait until everything that was received is carried out."""
        for queue in list(self._queues.values()):
            await queue.drain()

    def discard(self) -> None:
        """Carry out nothing more of what was received."""
        for queue in self._queues.values():
            queue.discard()

    def close(self) -> None:
        """Stop watching permissions; harmless if already stopped."""
        while self._watches:
            self._gate.unwatch(self._watches.popitem()[1])

    def _new_queue(self, frame: ReceivedFrame) -> NodeQueue:
        handle = frame.header.handle
        if frame.header.op not in REQUESTS:
            raise BadRequest(f"The handle {handle} is not open: send a frame to open it first.")
        if len(self._queues) >= self._settings.handles:
            raise BadRequest(
                f"A connection may have {self._settings.handles} open nodes (ingest.handles)."
            )
        opener = partial(open_node, self._principal)
        queue = NodeQueue(handle, self._settings, self, opener, self._permitted)
        self._queues[handle] = queue
        return queue

    async def _permitted(self, queue: NodeQueue) -> None:
        watch = self._watches.get(queue.handle)
        if watch is not None:
            await self._gate.wait(watch)

    async def opened(self, handle: int, node: OpenedNode) -> None:
        """Report that a node is open."""
        before = self._watches.pop(handle, None)
        if before is not None:
            self._gate.unwatch(before)
        revoke = partial(self._queues[handle].revoke, GONE)
        self._watches[handle] = self._gate.watch(node, revoke)
        await self._send(encode(opened_reply(handle, node)))

    async def written(self, handle: int, outcome: BatchOutcome) -> None:
        """Acknowledge frames, and report those that failed."""
        for reply in outcome_replies(handle, outcome):
            await self._send(encode(reply))

    def forget(self, frames: int, size: int) -> None:
        """Stop counting frames towards the window."""
        self._intake.remove(size, frames)

    async def _reply(self, kind: ReplyType, **fields: Any) -> None:
        await self._send(encode_reply(kind, **fields))


def encode(reply: dict[str, Any]) -> bytes:
    """Return the message of a reply."""
    return bytes(msgpack.packb(reply))
