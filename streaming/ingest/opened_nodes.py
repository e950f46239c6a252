"""Nodes that a producer has opened, and the frames for them. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from access.principals import Principal
from tiled_client.wire.encodings import PayloadEncoding
from tiled_client.wire.ingest import IDENTITY, FrameHeader, FrameOperation, decode_frame
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import Structure

from ..protocol.cursor import StreamHead
from .failures import Failure

DATA = frozenset(
    {FrameOperation.write, FrameOperation.block, FrameOperation.patch, FrameOperation.append}
)
"""Operations that write data; frames with the same `persist` are written together."""


@dataclass(slots=True)
class OpenedNode:
    """A node that `principal` may write to.

    `applied` is the last sequence of the producer that was dealt with.
    """

    path: str
    uuid: UUID
    family: StructureFamily
    structure: Structure | None
    principal: Principal
    producer: str
    applied: int = 0


@dataclass(slots=True)
class ReceivedFrame:
    """A received frame; `size` counts towards the window. `failure` if its header is invalid."""

    header: FrameHeader
    payload: memoryview
    size: int
    failure: Failure | None = None

    @property
    def encoding(self) -> PayloadEncoding:
        """The encoding of the payload."""
        return PayloadEncoding(self.header.encoding)


class FailedFrame(NamedTuple):
    """A frame that was not applied."""

    sequence: int
    failure: Failure


@dataclass(slots=True)
class BatchOutcome:
    """What became of a batch: everything up to `applied` is dealt with.

    `head` is where the stream is then, if anything was appended. If `stopped`, the frames after the
    last failed one were not applied.
    """

    applied: int
    head: StreamHead | None = None
    failed: list[FailedFrame] = field(default_factory=list)
    stopped: bool = False

    def fail(self, sequence: int, failure: Failure) -> None:
        """Note that a frame failed; the batch continues unless the failure stops it."""
        self.failed.append(FailedFrame(sequence, failure))
        if failure.stops:
            self.stopped = True
        else:
            self.applied = sequence


def parse_frame(message: bytes | memoryview) -> ReceivedFrame:
    """Return the frame in a message. Raises WireError if its node and sequence are unknown."""
    header, payload = decode_frame(message)
    frame = ReceivedFrame(header, payload, len(message))
    if header.invalid is not None:
        frame.failure = Failure(422, header.invalid)
    elif header.encoding != IDENTITY and header.encoding not in tuple(PayloadEncoding):
        known = ", ".join(PayloadEncoding)
        detail = f"Unknown encoding {header.encoding!r:.50}: this server knows {known}."
        frame.failure = Failure(415, detail)
    return frame


def due_frames(
    node: OpenedNode, frames: Sequence[ReceivedFrame]
) -> tuple[BatchOutcome, list[ReceivedFrame]]:
    """Return the frames that were not applied yet, and the outcome if there are none.

    The sequence must have no gap: then a frame is missing, and the node is stopped.
    """
    outcome, expected = BatchOutcome(node.applied), node.applied + 1
    due = [frame for frame in frames if frame.header.sequence >= expected]
    for count, frame in enumerate(due):
        if frame.header.sequence != expected + count:
            detail = f"The next sequence must be {expected + count}, as each counts one frame."
            outcome.failed.append(
                FailedFrame(frame.header.sequence, Failure(409, detail, "sequence"))
            )
            outcome.stopped = True
            return outcome, []
        _check_encoding(node, frame)
    return outcome, due


def _check_encoding(node: OpenedNode, frame: ReceivedFrame) -> None:
    """Let a frame fail that is encoded, but has no data of a dense array."""
    header = frame.header
    if header.encoding == IDENTITY or frame.failure is not None:
        return
    if node.family is not StructureFamily.array or header.op not in DATA:
        detail = f"Only data of dense arrays may be encoded as {header.encoding}."
        frame.failure = Failure(415, detail)


def batch_length(frames: Sequence[ReceivedFrame], max_frames: int, max_bytes: int) -> int:
    """Return how many of the waiting `frames`, at least one, are written together."""
    first = frames[0].header
    if first.op not in DATA:
        return 1
    size = 0
    for count, frame in enumerate(frames):
        header = frame.header
        size += frame.size
        alike = header.op in DATA and header.persist is first.persist
        if count and (not alike or count >= max_frames or size > max_bytes):
            return count
    return len(frames)
