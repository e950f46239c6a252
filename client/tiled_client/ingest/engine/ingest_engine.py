"""The protocol of a writer: which frames to send, and what replies mean. No I/O.

An engine outlives its connections: the next one continues behind the last acknowledged frame of
each node. It is not safe to be used from several threads at once.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...errors import (
    FrameRejected,
    NodeNotFound,
    NodeReplaced,
    TiledClientError,
    error_for_status,
)
from ...http.error_responses import in_python
from ...settings import WriterOptions
from ...wire.ingest import ReplyType, decode_reply
from ..spool import Spool
from .written_node import PendingFrame, WrittenNode

logger = logging.getLogger("tiled_client.ingest")

SEQUENCE_CODE = "sequence"


class IngestEngine:
    """State of all nodes of a writer, and of its connection."""

    def __init__(
        self,
        options: WriterOptions,
        spool: Spool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.nodes: dict[int, WrittenNode] = {}
        self.connected = False
        self.failure: TiledClientError | None = None
        self._options = options
        self._clock = clock
        self._requests: deque[bytes] = deque()
        self._rejected: list[FrameRejected] = []
        self._pending_frames = 0
        self._pending_bytes = 0
        # What is on its way to the server, and how much of that it takes.
        self._sent_frames = 0
        self._sent_bytes = 0
        self._window = (1, 1)
        self._spool = spool
        # Of frames that are not acknowledged, those whose content is in memory.
        self._kept_bytes = 0
        if spool is not None:
            self._restore(spool)

    @property
    def pending(self) -> int:
        """The number of frames that are not acknowledged."""
        return self._pending_frames

    @property
    def is_spooled(self) -> bool:
        """Whether pending frames are kept for the next process."""
        return self._spool is not None

    def open(self, path: str, uuid: str | None = None) -> WrittenNode:
        """Add a node to write to, or continue one whose frames an earlier process has left."""
        for node in self.nodes.values():
            if (node.path, node.uuid) == (path, uuid) and self._spool is not None:
                return node
        handle = max(self.nodes, default=0) + 1
        node = WrittenNode(handle, path, secrets.token_urlsafe(12), uuid)
        self.nodes[handle] = node
        if self._spool is not None:
            fields = {"path": path, "uuid": uuid, "producer": node.producer}
            self._spool.register(handle, fields)
        if self.connected:
            self._request(node)
        return node

    def has_room(self, size: int) -> bool:
        """Return whether a frame of this size may be added now."""
        options = self._options
        if self._spool is not None:
            return self._spool.has_room(size)
        return self._pending_frames == 0 or (
            self._pending_frames < options.max_pending
            and self._pending_bytes + size <= options.pending_bytes
        )

    def add(self, node: WrittenNode, header: Mapping[str, Any], payload: Any) -> PendingFrame:
        """Add a frame to send, with a copy of its payload. Raises OSError (the spool)."""
        frame = node.new_frame(header, payload)
        if self._spool is not None:
            assert frame.message is not None
            frame.position = self._spool.append(frame.message)
            if self._kept_bytes + frame.size > self._options.pending_bytes:
                frame.message = None
        self._track(node, frame)
        return frame

    def _track(self, node: WrittenNode, frame: PendingFrame) -> None:
        node.frames.append(frame)
        self._pending_frames += 1
        self._pending_bytes += frame.size
        if frame.message is not None:
            self._kept_bytes += frame.size

    def _restore(self, spool: Spool) -> None:
        """Continue with the frames that an earlier process has left."""
        for handle, fields in spool.nodes.items():
            node = WrittenNode(handle, fields["path"], fields["producer"], fields["uuid"])
            self.nodes[handle] = node
        for handle, sequence, position in spool.left:
            if (found := self.nodes.get(handle)) is not None:
                if not found.frames or sequence != found.last + 1:
                    # Those between were acknowledged, and so were those before them.
                    self._forget(found.frames)
                    found.frames.clear()
                    found.acknowledged = sequence - 1
                found.last = sequence
                self._track(found, PendingFrame(sequence, position.size, None, position))

    def _forget(self, frames: Iterable[PendingFrame]) -> None:
        """Stop keeping frames."""
        for frame in frames:
            self._pending_frames -= 1
            self._pending_bytes -= frame.size
            if frame.message is not None:
                self._kept_bytes -= frame.size
            if frame.position is not None and self._spool is not None:
                self._spool.release(frame.position)

    def on_connected(self) -> None:
        """Begin a connection; the greeting of the server comes first."""
        self._requests.clear()
        self._sent_frames = self._sent_bytes = 0
        self._window = (1, 1)

    def on_lost(self) -> None:
        """End a connection."""
        self.connected = False
        for node in self.nodes.values():
            node.close()
            node.reopen_at = None

    def take(self) -> bytes | None:
        """Return the next message to send, None if nothing can be sent now."""
        if not self.connected:
            return None
        if self._requests:
            return self._requests.popleft()
        for node in self.nodes.values():
            if node.opened and node.sent < len(node.frames):
                frame = node.frames[node.sent]
                if not self._fits(frame.size):
                    return None
                node.sent += 1
                self._count(frame.size)
                return self._message(frame)
        return None

    def _message(self, frame: PendingFrame) -> bytes:
        if frame.message is not None:
            return frame.message
        assert self._spool is not None
        assert frame.position is not None
        return self._spool.read(frame.position)

    def has_more(self) -> bool:
        """Return whether `take` would return a message."""
        if not self.connected:
            return False
        waiting = (
            node.frames[node.sent]
            for node in self.nodes.values()
            if node.opened and node.sent < len(node.frames)
        )
        first = next(waiting, None)
        return bool(self._requests) or (first is not None and self._fits(first.size))

    def receive(self, message: bytes | str) -> None:
        """Process a reply. Raises InvalidResponse."""
        reply = decode_reply(message if isinstance(message, bytes) else message.encode())
        kind = reply["type"]
        if kind == ReplyType.hello:
            self._window = (int(reply["window_frames"]), int(reply["window_bytes"]))
            self.connected = True
            for node in self.nodes.values():
                if node.failure is None:
                    self._request(node)
        elif kind == ReplyType.notice:
            logger.warning("The server reports: %s", reply.get("detail"))
        elif (opened := self.nodes.get(reply.get("handle", 0))) is not None:
            self._receive_for(opened, kind, reply)

    def reopen_due(self) -> float | None:
        """Open the nodes again whose time has come; return the seconds until the next, or None."""
        now, waits = self._clock(), []
        for node in self.nodes.values():
            if node.reopen_at is not None and self.connected:
                if node.reopen_at <= now:
                    self._request(node)
                else:
                    waits.append(node.reopen_at - now)
        return min(waits, default=None)

    def fail(self, error: TiledClientError) -> None:
        """Give up: there will be no other connection. What is spooled stays for the next one."""
        self.failure = error
        for node in self.nodes.values():
            if self._spool is None:
                self._drop(node, error)

    def raise_failures(self) -> None:
        """Raise the errors of frames that were not applied, once each.

        The first of them is raised, with the `others`.
        """
        if self._rejected:
            first, *others = self._rejected
            self._rejected = []
            first.others = tuple(others)
            raise first from first.reason
        if self.failure is not None:
            raise self.failure

    @property
    def is_settled(self) -> bool:
        """Whether nothing is pending any more, or there will be no other connection."""
        return self._pending_frames == 0 or self.failure is not None

    def close(self) -> None:
        """Let another process use the spool."""
        if self._spool is not None:
            if self._pending_frames:
                logger.warning("%s frames stay in the spool for the next writer", self.pending)
            self._spool.close()

    def _request(self, node: WrittenNode) -> None:
        node.reopen_at = None
        self._requests.append(node.request())

    def _fits(self, size: int) -> bool:
        frames, window = self._window
        return self._sent_frames == 0 or (
            self._sent_frames < frames and self._sent_bytes + size <= window
        )

    def _count(self, size: int) -> None:
        self._sent_frames += 1
        self._sent_bytes += size

    def _uncount(self, frames: list[PendingFrame]) -> None:
        self._sent_frames -= len(frames)
        self._sent_bytes -= sum(frame.size for frame in frames)

    def _receive_for(self, node: WrittenNode, kind: str, reply: Mapping[str, Any]) -> None:
        match kind:
            case ReplyType.opened:
                node.uuid, node.opened = reply["uuid"], True
                if not node.last:
                    # The frames of a producer that wrote before are counted on.
                    node.last = int(reply["applied"])
                self._acknowledge(node, int(reply["applied"]))
            case ReplyType.ack:
                if reply.get("epoch"):
                    node.epoch, node.stream_sequence = reply["epoch"], reply["sequence"]
                self._acknowledge(node, int(reply["applied"]))
                node.backoff.reset()
            case ReplyType.error:
                self._on_error(node, reply)

    def _acknowledge(self, node: WrittenNode, applied: int) -> None:
        removed = node.acknowledge(applied)
        self._forget(removed.frames)
        self._sent_frames -= removed.sent_frames
        self._sent_bytes -= removed.sent_size

    def _on_error(self, node: WrittenNode, reply: Mapping[str, Any]) -> None:
        status, stopped = int(reply["status"]), bool(reply.get("stopped"))
        retry_after, code = reply.get("retry_after"), reply.get("code")
        detail = in_python(str(reply.get("detail")))
        error = error_for_status(status, detail, retry_after=retry_after, code=code)
        if not stopped:
            sequence = int(reply["sequence"])
            self._rejected.append(FrameRejected(error, node.path, sequence, later_applied=True))
            return
        self._uncount(node.close())
        if retry_after is not None or code == SEQUENCE_CODE:
            delay = node.backoff.next(None if retry_after is None else float(retry_after))
            node.reopen_at = self._clock() + delay
            logger.info("The server does not take frames for /%s now: %s", node.path, detail)
        else:
            self._drop(node, error, int(reply["sequence"]))

    def _drop(self, node: WrittenNode, error: TiledClientError, sequence: int = 0) -> None:
        """Give up a node: none of its frames will be applied."""
        first = sequence or node.acknowledged + 1
        if node.failure is None and (node.frames or error is not self.failure):
            self._rejected.append(FrameRejected(error, node.path, first, later_applied=False))
        node.failure = error
        self._uncount(node.close())
        if not isinstance(error, (NodeNotFound, NodeReplaced)):
            # The next process may be permitted to write.
            for frame in node.frames:
                frame.position = None
        self._forget(node.frames)
        node.frames.clear()
