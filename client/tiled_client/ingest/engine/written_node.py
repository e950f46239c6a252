"""One node of a writer: the frames that are not acknowledged, and how far they were sent.

| state | `opened` | `reopen_at` | frames are sent | leaves on |
| --- | --- | --- | --- | --- |
| new, or disconnected | False | None | no | the connection: the node is requested |
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

from ...errors import TiledClientError
from ...http.retries import Backoff
from ...wire.ingest import encode_header
from ..spool import SpoolPosition


@dataclass(slots=True)
class PendingFrame:
    """A frame that is not acknowledged yet: in memory, in the spool, or in both."""

    sequence: int
    size: int
    message: bytes | None
    position: SpoolPosition | None = None


class Acknowledged(NamedTuple):
    """Frames that were removed; number and size of those that were sent before."""

    frames: list[PendingFrame]
    sent_frames: int
    sent_size: int


@dataclass(slots=True, eq=False)
class WrittenNode:
    """State of one node; `producer` names the writer, so that each frame is applied once."""

    handle: int
    path: str
    producer: str
    uuid: str | None = None
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

    def new_frame(self, header: Mapping[str, Any], payload: Any) -> PendingFrame:
        """Return the next frame, which has a copy of the payload."""
        self.last += 1
        fields = {**header, "handle": self.handle, "sequence": self.last}
        message = b"".join((encode_header(fields), payload))
        return PendingFrame(self.last, len(message), message)

    def request(self) -> bytes:
        """Return the frame that opens the node, behind what is acknowledged."""
        fields = {
            "op": "open",
            "handle": self.handle,
            "path": self.path,
            "producer": self.producer,
            "acknowledged": self.acknowledged,
        }
        if self.uuid is not None:
            fields["uuid"] = self.uuid
        return encode_header(fields)

    def acknowledge(self, applied: int) -> Acknowledged:
        """Remove the frames up to `applied`."""
        removed, sent_frames, sent_size = [], 0, 0
        while self.frames and self.frames[0].sequence <= applied:
            frame = self.frames.popleft()
            removed.append(frame)
            if self.sent:
                self.sent -= 1
                sent_frames, sent_size = sent_frames + 1, sent_size + frame.size
        self.acknowledged = max(self.acknowledged, applied)
        return Acknowledged(removed, sent_frames, sent_size)

    def close(self) -> list[PendingFrame]:
        """Note that the server applies nothing more; return the frames that were sent to it."""
        sent = [self.frames[number] for number in range(self.sent)]
        self.opened, self.sent = False, 0
        return sent
