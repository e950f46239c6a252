"""One node of a writer: the frames that are not acknowledged, and how far they were sent.

| state | `opened` | `reopen_at` | frames are sent | leaves on |
| --- | --- | --- | --- | --- |
| new, or disconnected | False | None | no | the connection, once its container exists: requested |
| requested | False | None | no | `opened`: open; `error`: stopped or failed |
| open | True | None | yes | `error` that stops: stopped or failed; a lost connection |
| stopped | False | a time | no | that time: requested |
| failed | False | None | never | - |
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...errors import NODE_EXISTS, TiledClientError
from ...http.retries import Backoff
from ...wire.ingest import FrameOperation, encode_header
from ..spool import SpoolPosition
from .new_node import NewNode

LAST = frozenset({FrameOperation.metadata, FrameOperation.close})
"""Operations that wait for older frames for nodes below theirs."""


@dataclass(slots=True)
class PendingFrame:
    """A frame that is not acknowledged yet: in memory, in the spool, or in both.

    `order` counts the frames of all nodes. `is_last` if it waits for older frames below its node.
    """

    sequence: int
    size: int
    message: bytes | None
    position: SpoolPosition | None = None
    order: int = 0
    is_last: bool = False


class Acknowledged(NamedTuple):
    """Frames that were removed, and those of them that were sent before."""

    frames: list[PendingFrame]
    sent: list[PendingFrame]


@dataclass(slots=True, eq=False)
class WrittenNode:
    """State of one node; `producer` names the writer, so that each frame is applied once.

    `creation` describes the node until it exists. `creation_attempts` counts requests for that: if
    there was one before, a node of that path is the one that it created.
    """

    handle: int
    path: str
    producer: str
    uuid: str | None = None
    creation: NewNode | None = None
    creation_attempts: int = 0
    order: int = 0
    acknowledged: int = 0
    last: int = 0
    opened: bool = False
    sent: int = 0
    reopen_at: float | None = None
    failure: TiledClientError | None = None
    epoch: str | None = None
    stream_sequence: int | None = None
    frames: deque[PendingFrame] = field(default_factory=deque)
    backoff: Backoff = field(default_factory=Backoff)

    def new_frame(self, header: Mapping[str, Any], payload: Any, order: int) -> PendingFrame:
        """Return the next frame, which has a copy of the payload."""
        self.last += 1
        fields = {**header, "handle": self.handle, "sequence": self.last}
        message = b"".join((encode_header(fields), payload))
        is_last = header["op"] in LAST
        return PendingFrame(self.last, len(message), message, order=order, is_last=is_last)

    def request(self) -> bytes:
        """Return the frame that creates the node, or opens it behind what is acknowledged."""
        fields = {
            "op": "open",
            "handle": self.handle,
            "path": self.path,
            "producer": self.producer,
            "acknowledged": self.acknowledged,
        }
        if self.creation is not None:
            self.creation_attempts += 1
            new = self.creation
            fields |= {"op": "create", "path": new.parent, "key": new.token}
            return encode_header(fields) + new.body.encode()
        if self.uuid is not None:
            fields["uuid"] = self.uuid
        return encode_header(fields)

    def acknowledge(self, applied: int) -> Acknowledged:
        """Remove the frames up to `applied`."""
        removed, sent = [], []
        while self.frames and self.frames[0].sequence <= applied:
            frame = self.frames.popleft()
            removed.append(frame)
            if self.sent:
                self.sent -= 1
                sent.append(frame)
        self.acknowledged = max(self.acknowledged, applied)
        return Acknowledged(removed, sent)

    def waits_since(self, order: int) -> bool:
        """Return whether something older than the frame of this order is not acknowledged."""
        is_new = self.creation is not None and self.order < order
        return is_new or (bool(self.frames) and self.frames[0].order < order)

    def may_exist(self, code: str | None) -> bool:
        """Return whether a rejected creation means that an earlier request has created it."""
        return self.creation is not None and code == NODE_EXISTS and self.creation_attempts > 1

    def close(self) -> list[PendingFrame]:
        """Note that the server applies nothing more; return the frames that were sent to it."""
        sent = [self.frames[number] for number in range(self.sent)]
        self.opened, self.sent = False, 0
        return sent
