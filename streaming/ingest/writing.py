"""Carry out a batch of frames of one node, in a thread."""

from __future__ import annotations

from collections.abc import Sequence

from tiled_client.wire.structure_family import StructureFamily

from .failures import describe
from .opened_nodes import DATA, BatchOutcome, OpenedNode, ReceivedFrame
from .stored import write_one
from .unstored import append_frames

TOGETHER = frozenset({StructureFamily.array, StructureFamily.table})


def write_frames(node: OpenedNode, frames: Sequence[ReceivedFrame]) -> BatchOutcome:
    """Carry out `frames`, which belong together (`batch_length`); return what became of them.

    If they cannot be written together, each is written by itself, so that a frame that fails does
    not take others with it.
    """
    if len(frames) == 1:
        return _write_single(node, frames[0], BatchOutcome(node.applied))
    try:
        return _write(node, frames)
    except Exception as error:  # noqa: BLE001  Every failure is reported to the producer.
        failure = describe(error, node.path)
        if failure.stops:
            outcome = BatchOutcome(node.applied)
            outcome.fail(frames[0].header.sequence, failure)
            return outcome
    return _one_by_one(node, frames)


def _write(node: OpenedNode, frames: Sequence[ReceivedFrame]) -> BatchOutcome:
    first = frames[0].header
    if first.op in DATA and not first.persist and node.family in TOGETHER:
        return append_frames(node, frames)
    return _one_by_one(node, frames)


def _one_by_one(node: OpenedNode, frames: Sequence[ReceivedFrame]) -> BatchOutcome:
    outcome = BatchOutcome(node.applied)
    for frame in frames:
        outcome = _write_single(node, frame, outcome)
        if outcome.stopped:
            break
    return outcome


def _write_single(node: OpenedNode, frame: ReceivedFrame, outcome: BatchOutcome) -> BatchOutcome:
    """Carry out one frame behind those of `outcome`."""
    header = frame.header
    if frame.failure is not None:
        outcome.fail(header.sequence, frame.failure)
        return outcome
    try:
        if header.op in DATA and not header.persist and node.family in TOGETHER:
            done = append_frames(node, [frame])
        else:
            done = write_one(node, frame)
    except Exception as error:  # noqa: BLE001
        outcome.fail(header.sequence, describe(error, node.path))
        return outcome
    outcome.failed += done.failed
    outcome.stopped = done.stopped
    if not done.stopped:
        outcome.applied = header.sequence
        outcome.head = done.head or outcome.head
    return outcome
