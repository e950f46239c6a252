"""The protocol of a writer: which frames to send, and what replies mean. No I/O.

An engine outlives its connections: the next one continues behind the last acknowledged frame of
each node. It is not safe to be used from several threads at once.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...errors import FrameRejected, TiledClientError, error_for_status
from ...http.error_responses import in_python
from ...settings import WriterOptions
from ...wire.ingest import ReplyType, decode_reply
from .written_node import PendingFrame, WrittenNode

logger = logging.getLogger("tiled_client.ingest")

SEQUENCE_CODE = "sequence"


class IngestEngine:
    """State of all nodes of a writer, and of its connection."""

    def __init__(self, options: WriterOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self.nodes: dict[int, WrittenNode] = {}
        self.producer = secrets.token_urlsafe(12)
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

    @property
    def pending(self) -> int:
        """The number of frames that are not acknowledged."""
        return self._pending_frames

    def open(self, path: str, uuid: str | None = None, producer: str | None = None) -> WrittenNode:
        """Add a node to write to."""
        handle = len(self.nodes) + 1
        node = WrittenNode(handle, path, producer or self.producer, uuid)
        self.nodes[handle] = node
        if self.connected:
            self._request(node)
        return node

    def has_room(self, size: int) -> bool:
        """Return whether a frame of this size may be added now."""
        options = self._options
        return self._pending_frames == 0 or (
            self._pending_frames < options.max_pending
            and self._pending_bytes + size <= options.pending_bytes
        )

    def add(self, node: WrittenNode, header: Mapping[str, Any], payload: Any) -> PendingFrame:
        """Add a frame to send, with a copy of its payload."""
        frame = node.new_frame(header, payload)
        self._pending_frames += 1
        self._pending_bytes += len(frame.message)
        return frame

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
                if not self._fits(len(frame.message)):
                    return None
                node.sent += 1
                self._count(len(frame.message))
                return frame.message
        return None

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
        return bool(self._requests) or (first is not None and self._fits(len(first.message)))

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
        """Give up: there will be no other connection."""
        self.failure = error
        for node in self.nodes.values():
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

    def unacknowledged(self) -> Iterator[tuple[WrittenNode, PendingFrame]]:
        """Iterate over the frames that are not acknowledged."""
        for node in self.nodes.values():
            for frame in list(node.frames):
                yield node, frame

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
        self._sent_bytes -= sum(len(frame.message) for frame in frames)

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
        self._pending_frames -= removed.frames
        self._pending_bytes -= removed.size
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
        self._pending_frames -= len(node.frames)
        self._pending_bytes -= sum(len(frame.message) for frame in node.frames)
        self._uncount(node.close())
        node.frames.clear()
