"""The protocol of a writer: which frames to send, and what replies mean. No I/O.

An engine outlives its connections: the next one continues behind the last acknowledged frame of
each node. It is not safe to be used from several threads at once.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
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
from .new_node import NewNode
from .pending_frames import PendingFrames
from .send_order import SendOrder
from .send_window import SendWindow
from .written_node import LAST, PendingFrame, WrittenNode

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
        self._clock = clock
        self._requests: deque[bytes] = deque()
        self._rejected: list[FrameRejected] = []
        self._frames = PendingFrames(options, spool)
        self._window = SendWindow()
        self._order = SendOrder(self.nodes)
        self._spool = spool
        # Nodes that do not exist yet.
        self._creations = 0
        if spool is not None:
            self._restore(spool)

    @property
    def pending(self) -> int:
        """The number of frames that are not acknowledged, and of nodes that do not exist yet."""
        return self._frames.count + self._creations

    @property
    def is_spooled(self) -> bool:
        """Whether pending frames are kept for the next process."""
        return self._spool is not None

    def open(self, path: str, uuid: str | None = None) -> WrittenNode:
        """Add a node to write to, or continue one whose frames an earlier process has left."""
        for node in self.nodes.values():
            if (node.path, node.uuid) == (path, uuid) and self._spool is not None:
                return node
        return self._add(self._new_node(path, uuid))

    def create(self, new: NewNode) -> WrittenNode:
        """Add a node to create and to write to. Raises what has failed before."""
        parent = self.nodes.get(new.parent_handle or 0)
        if parent is not None and parent.failure is not None:
            raise parent.failure
        node = self._new_node(new.path, None)
        node.creation = new
        self._creations += 1
        return self._add(node)

    def _new_node(self, path: str, uuid: str | None) -> WrittenNode:
        handle = max(self.nodes, default=0) + 1
        return WrittenNode(handle, path, secrets.token_urlsafe(12), uuid)

    def _add(self, node: WrittenNode) -> WrittenNode:
        node.order = self._order.number()
        self.nodes[node.handle] = node
        self._register(node)
        if self.connected:
            self._request(node)
        return node

    def _register(self, node: WrittenNode) -> None:
        """Tell the spool which node a handle is."""
        if self._spool is not None:
            creation = node.creation.to_json() if node.creation else None
            fields = {"path": node.path, "uuid": node.uuid, "producer": node.producer}
            self._spool.register(node.handle, {**fields, "creation": creation})

    def has_room(self, size: int) -> bool:
        """Return whether a frame of this size may be added now."""
        return self._frames.has_room(size)

    def add(self, node: WrittenNode, header: Mapping[str, Any], payload: Any) -> PendingFrame:
        """Add a frame to send, with a copy of its payload. Raises OSError (the spool)."""
        frame = node.new_frame(header, payload, self._order.number())
        self._frames.store(frame)
        node.frames.append(frame)
        return frame

    def _restore(self, spool: Spool) -> None:
        """Continue with what an earlier process has left."""
        for handle, fields in spool.nodes.items():
            node = WrittenNode(handle, fields["path"], fields["producer"], fields["uuid"])
            if fields.get("creation"):
                # It may have been requested.
                node.creation, node.creation_attempts = NewNode.from_json(fields["creation"]), 1
                self._creations += 1
            self.nodes[handle] = node
        for handle, sequence, position, op in spool.left:
            if (found := self.nodes.get(handle)) is not None:
                if not found.frames or sequence != found.last + 1:
                    # Those between were acknowledged, and so were those before them.
                    self._frames.forget(found.frames)
                    found.frames.clear()
                    found.acknowledged = sequence - 1
                found.last = sequence
                order, is_last = self._order.number(), op in LAST
                frame = PendingFrame(sequence, position.size, None, position, order, is_last)
                self._frames.add(frame)
                found.frames.append(frame)

    def on_connected(self) -> None:
        """Begin a connection; the greeting of the server comes first."""
        self._requests.clear()
        self._window.reset()

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
        node = self._order.next()
        if node is None or not self._window.fits(node.frames[node.sent].size):
            return None
        frame = node.frames[node.sent]
        node.sent += 1
        self._window.add(frame.size)
        return self._frames.content(frame)

    def has_more(self) -> bool:
        """Return whether `take` would return a message."""
        if not self.connected:
            return False
        if self._requests:
            return True
        node = self._order.next()
        return node is not None and self._window.fits(node.frames[node.sent].size)

    def receive(self, message: bytes | str) -> None:
        """Process a reply. Raises InvalidResponse."""
        reply = decode_reply(message if isinstance(message, bytes) else message.encode())
        kind = reply["type"]
        if kind == ReplyType.hello:
            self._window.set_limits(int(reply["window_frames"]), int(reply["window_bytes"]))
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
        return self.pending == 0 or self.failure is not None

    def close(self) -> None:
        """Let another process use the spool."""
        if self._spool is not None:
            if self.pending:
                logger.warning("%s frames stay in the spool for the next writer", self.pending)
            self._spool.close()

    def _request(self, node: WrittenNode) -> None:
        """Ask for a node, unless its container does not exist yet: that one's reply does then."""
        node.reopen_at = None
        container = self.nodes.get(node.creation.parent_handle or 0) if node.creation else None
        if container is None or container.creation is None:
            self._requests.append(node.request())

    def _receive_for(self, node: WrittenNode, kind: str, reply: Mapping[str, Any]) -> None:
        match kind:
            case ReplyType.opened:
                self._on_opened(node, reply["uuid"])
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

    def _on_opened(self, node: WrittenNode, uuid: str) -> None:
        node.uuid, node.opened = uuid, True
        if node.creation is not None:
            node.creation = None
            self._creations -= 1
            self._register(node)
            for child in self._order.children(node):
                self._request(child)

    def _acknowledge(self, node: WrittenNode, applied: int) -> None:
        removed = node.acknowledge(applied)
        self._frames.forget(removed.frames)
        self._window.remove(removed.sent)

    def _on_error(self, node: WrittenNode, reply: Mapping[str, Any]) -> None:
        status, stopped = int(reply["status"]), bool(reply.get("stopped"))
        retry_after, code = reply.get("retry_after"), reply.get("code")
        detail = in_python(str(reply.get("detail")))
        error = error_for_status(status, detail, retry_after=retry_after, code=code)
        if not stopped:
            sequence = int(reply["sequence"])
            self._rejected.append(FrameRejected(error, node.path, sequence, later_applied=True))
            return
        self._window.remove(node.close())
        if node.may_exist(code):
            node.creation = None
            self._creations -= 1
            self._request(node)
        elif retry_after is not None or code == SEQUENCE_CODE:
            delay = node.backoff.next(None if retry_after is None else float(retry_after))
            node.reopen_at = self._clock() + delay
            logger.info("The server does not take frames for /%s now: %s", node.path, detail)
        else:
            self._drop(node, error, int(reply["sequence"]))

    def _drop(self, node: WrittenNode, error: TiledClientError, sequence: int = 0) -> None:
        """Give up a node: none of its frames will be applied."""
        first = 0 if node.creation else sequence or node.acknowledged + 1
        wanted = node.frames or node.creation or error is not self.failure
        if node.failure is None and wanted:
            self._rejected.append(FrameRejected(error, node.path, first, later_applied=False))
        node.failure = error
        self._window.remove(node.close())
        waiting = self._order.children(node) if node.creation else []
        may_later = _may_succeed_later(node, error)
        if may_later:
            for frame in node.frames:
                frame.position = None
        self._frames.forget(node.frames)
        node.frames.clear()
        if node.creation is not None:
            node.creation = None
            self._creations -= 1
            if not may_later:
                self._register(node)
        for child in waiting:
            self._drop(child, error)


def _may_succeed_later(node: WrittenNode, error: TiledClientError) -> bool:
    """Return whether the next process may be permitted what this one was not."""
    if node.creation is not None:
        return error.status in (401, 403)
    return not isinstance(error, (NodeNotFound, NodeReplaced))
