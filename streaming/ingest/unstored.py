"""Append frames that are only streamed: checked as writes over HTTP are, and appended together."""

from __future__ import annotations

from collections.abc import Sequence

from catalog.lookup.write_targets import WriteTarget, get_write_target
from catalog.services.arrays.dense import decode, target_structure
from catalog.services.stores.write_plans import Growth, WritePlan, plan_block, plan_full, plan_patch
from catalog.services.tables.writing import check_rows
from catalog.services.uploads import check_replaced
from core.errors import Invalid, Unavailable
from core.http.media_types import ARROW, OCTET_STREAM
from tiled_client.wire.ingest import FrameHeader, FrameOperation
from tiled_client.wire.messages import ArrayData, TableData
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

from ..writing.log import stream_log
from ..writing.updates import EncodedUpdate, UpdateBatch, encode
from .failures import REJECTIONS, describe
from .opened_nodes import BatchOutcome, OpenedNode, ReceivedFrame


def append_frames(node: OpenedNode, frames: Sequence[ReceivedFrame]) -> BatchOutcome:
    """Append frames to the stream of an array or a table, each once. Raises ServiceError."""
    log = stream_log(node.uuid)
    if log is None:
        raise Unavailable("Streaming is off: this server has no streaming cache.")
    target = get_write_target(node.path, node.family)
    check_replaced(node.uuid, target.ref.uuid)
    check = _check_array if node.family is StructureFamily.array else _check_table
    outcome = BatchOutcome(node.applied)
    updates: list[EncodedUpdate] = []
    marks: list[int] = []
    for frame in frames:
        sequence = frame.header.sequence
        if frame.failure is not None:
            outcome.fail(sequence, frame.failure)
            continue
        try:
            updates.append(check(target, frame))
        except REJECTIONS as error:
            outcome.fail(sequence, describe(error, node.path))
            if outcome.stopped:
                break
        else:
            marks.append(sequence)
            outcome.applied = sequence
    if updates:
        outcome.head = log.put_many(node.uuid, UpdateBatch(updates, marks, node.producer))
    return outcome


def plan_of(header: FrameHeader, structure: ArrayStructure) -> WritePlan:
    """Return the plan of a write to a dense array. Raises Invalid, Conflict, WireError."""
    match header.op:
        case FrameOperation.write:
            return plan_full(structure)
        case FrameOperation.block:
            return plan_block(structure, required(header.block, "block"))
        case FrameOperation.append:
            raise Invalid(
                "Frames that are not persisted have no end to be appended to: send a patch with "
                "offset and extend."
            )
    offset, shape = required(header.offset, "offset"), required(header.shape, "shape")
    return plan_patch(structure, offset, shape, growth_of(header))


def growth_of(header: FrameHeader) -> Growth:
    """Return how far a patch may grow an array."""
    if not header.extend:
        return Growth.NONE
    return Growth.ALL if header.resize else Growth.FRAMES


def required(value: tuple[int, ...] | None, name: str) -> tuple[int, ...]:
    """Return a field of a header. Raises Invalid if it is missing."""
    if value is None:
        raise Invalid(f"The header of this frame needs the field {name}, a list of sizes.")
    return value


def _check_array(target: WriteTarget, frame: ReceivedFrame) -> EncodedUpdate:
    structure = target_structure(target)
    plan = plan_of(frame.header, structure)
    decode(frame.payload, structure.dtype, plan.shape, frame.encoding)
    message = ArrayData(
        OCTET_STREAM,
        plan.shape,
        plan.offset,
        plan.block,
        persisted=False,
        encoding=frame.encoding,
    )
    return encode(message, frame.payload)


def _check_table(target: WriteTarget, frame: ReceivedFrame) -> EncodedUpdate:
    partition, append = partition_of(frame.header)
    body = check_rows(target, frame.payload, partition=partition, append=append)
    return encode(TableData(ARROW, partition, append, persisted=False), body)


def partition_of(header: FrameHeader) -> tuple[int | None, bool]:
    """Return which partition of a table a frame is for, and whether its rows are appended.

    Raises Invalid.
    """
    match header.op:
        case FrameOperation.append:
            return header.partition or 0, True
        case FrameOperation.write:
            return header.partition, False
    raise Invalid(f"A table has no operation {header.op.value}: write it, or append rows.")
