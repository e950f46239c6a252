"""Read and write ragged arrays.

Rows are stored in files one after the other, without gaps: each file begins with the first row of
the chunk that is its number, and ends where the next file begins, or at the end. Appended rows are
added to the last file. Rows that were never written are empty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from core.errors import Conflict, Invalid, TooLarge
from tiled_client.wire.expanded_size import expanded_nbytes
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.slices import NDSlice, sliced_shape
from tiled_client.wire.structure_family import StructureFamily

from ...config import storage_settings
from ...events import RaggedWritten, announce, announce_left
from ...models import Node
from ...storage import ragged
from ...storage.errors import MissingFile
from ...storage.regions import fetch_plan
from ..commits import event_transaction
from ..idempotency import find_receipt, record_receipt
from ..limits import check_rows
from ..response_limits import check_response_bytes
from ..uploads import Upload
from .file_writes import WritableNode, writable_node
from .ragged_files import PendingRows, append_rows, read_rows, replace_rows

UNSUPPORTED_SLICE = (
    "Cannot apply the requested slice to the given ragged array. Try reading the entire array and "
    "slice it on the client side instead."
)


@dataclass(frozen=True, slots=True)
class RowWritePlan:
    """A validated write that replaces the rows from `start` to `stop`.

    Updates carry `shape`, `offset` and `block`; `aligned` if both ends are chunk boundaries.
    """

    start: int
    stop: int
    shape: tuple[int | None, ...]
    rows: int
    offset: tuple[int, ...] | None = None
    block: tuple[int, ...] | None = None
    aligned: bool = True


def write_full(*, path: str, upload: Upload, array: Any) -> RaggedStructure:
    """Replace all rows. Raises as `write_patch` does."""
    return _write(path, upload, array, _plan_full)


def write_block(*, path: str, block: Sequence[int], upload: Upload, array: Any) -> RaggedStructure:
    """Replace the rows of one chunk. Raises as `write_patch` does; WireError for no such block."""
    return _write(path, upload, array, lambda structure: _plan_block(structure, block))


def write_patch(
    *,
    path: str,
    offset: Sequence[int],
    shape: Sequence[int],
    extend: bool,
    upload: Upload,
    array: Any,
) -> RaggedStructure:
    """Replace `shape[0]` rows from row `offset[0]` on, or with `extend` grow the array by them.

    `array` is the `awkward.Array` in the body of `upload`. Returns the structure as it is
    stored afterwards. Raises NotFound, NotSupported (external files), Conflict (beyond the last
    row without `extend`), Invalid (another number of rows), StorageError (rows that do not
    fit).
    """
    return _write(
        path, upload, array, lambda structure: _plan_patch(structure, offset, shape, extend)
    )


def append(*, path: str, upload: Upload, array: Any) -> RaggedStructure:
    """Append the rows of `array` at the end. Raises as `write_patch` does."""

    def planned(structure: RaggedStructure) -> RowWritePlan:
        return _plan_patch(structure, (structure.rows,), (len(array),), True)

    return _write(path, upload, array, planned)


def read_ragged(node: Node, items: NDSlice = ()) -> Any:
    """Return the selection `items`: an `awkward.Array`, or a single element.

    Raises Invalid for items out of range, BadRequest for a response that is too large.
    """
    structure = ragged_structure(node)
    rows, then = _plan_read(structure, items)
    _check_size(structure.size * structure.dtype.itemsize if not items else 0)
    try:
        found = read_rows(node, structure, rows)
    except MissingFile:  # the file was replaced between the database query and the read
        found = read_rows(node, structure, rows)
    return _select(ragged.to_awkward(found, structure), then)


def ragged_structure(node: Node) -> RaggedStructure:
    """Return the structure of a node that is a ragged array."""
    structure = node.structure
    assert isinstance(structure, RaggedStructure)
    return structure


def _write(
    path: str, upload: Upload, array: Any, planned: Callable[[RaggedStructure], RowWritePlan]
) -> RaggedStructure:
    _check_sharing(array)
    with writable_node(path, StructureFamily.ragged, upload) as writing:
        node = writing.node
        structure = ragged_structure(node)
        earlier = find_receipt(node.uuid, upload.idempotency_key) if upload.persist else None
        if earlier is not None:
            announce_left(node.ref)
            return RaggedStructure.from_json(earlier.structure)
        plan = planned(structure)
        rows = ragged.to_arrow(array, structure, exact=not upload.mimetype.endswith("json"))
        if len(rows) != plan.rows:
            raise Invalid(f"The body must have {plan.rows} rows, not {len(rows)}.")
        event = _written(node, plan, upload)
        if not upload.persist:
            announce(event)
            return structure
        placed = _write_rows(writing, structure, plan, rows)
        with (
            event_transaction() as change,
            record_receipt(node.uuid, upload.idempotency_key, placed.structure),
        ):
            placed.make_current()
            change.record_event(event)
        # Under the lock, so that a cleanup leaves alone what it puts.
        placed.settle()
    return placed.structure


def _write_rows(
    writing: WritableNode, structure: RaggedStructure, plan: RowWritePlan, rows: pa.Array
) -> PendingRows:
    if plan.offset is not None and plan.start >= structure.rows:
        gap = ragged.unwritten_rows(plan.start - structure.rows, structure)
        return append_rows(writing, structure, pa.concat_arrays([gap, rows]) if len(gap) else rows)
    place = range(plan.start, plan.stop)
    return replace_rows(writing.node, structure, place, rows, aligned=plan.aligned)


def _plan_full(structure: RaggedStructure) -> RowWritePlan:
    return RowWritePlan(0, structure.rows, structure.shape, structure.rows)


def _plan_block(structure: RaggedStructure, block: Sequence[int]) -> RowWritePlan:
    rows = structure.block_rows(block)
    return RowWritePlan(rows.start, rows.stop, structure.shape, len(rows), block=tuple(block))


def _plan_patch(
    structure: RaggedStructure, offset: Sequence[int], shape: Sequence[int], extend: bool
) -> RowWritePlan:
    if not offset or not shape or any(offset[1:]):
        raise Invalid(
            "A patch of a ragged array covers whole rows: give the number of the first as offset, "
            "and the count of rows as shape."
        )
    start, stop = offset[0], offset[0] + shape[0]
    if stop > structure.rows and not extend:
        raise Conflict(
            f"Rows {start}:{stop} do not fit within the {structure.rows} rows of the array. "
            "Use ?extend=true to extend the array to fit."
        )
    check_rows(replace(structure, shape=(max(stop, structure.rows), *structure.shape[1:])))
    return RowWritePlan(start, stop, tuple(shape), shape[0], offset=tuple(offset), aligned=False)


def _plan_read(structure: RaggedStructure, items: NDSlice) -> tuple[range, NDSlice]:
    """Return the rows to read, and the index to apply to them to select `items`."""
    if not items:
        return range(structure.rows), ()
    try:
        (count, *_) = (*sliced_shape((structure.rows,), items[:1]), 1)
    except ValueError as error:
        raise Invalid(UNSUPPORTED_SLICE) from error
    if not count:
        return range(0), (slice(0, 0), *items[1:])
    (fetch,), (then,) = fetch_plan((structure.rows,), items[:1])
    step = slice(None, None, fetch.step)
    if isinstance(then, int):
        return range(fetch.start, fetch.stop), (then, *items[1:])
    turned = slice(None, None, -fetch.step) if then.step == -1 else step
    return range(fetch.start, fetch.stop), (turned, *items[1:])


def _select(array: Any, items: NDSlice) -> Any:
    import awkward

    try:
        selected = array[items] if items else array
    except (IndexError, ValueError, TypeError) as error:
        raise Invalid(UNSUPPORTED_SLICE) from error
    if not isinstance(selected, awkward.Array):
        return selected
    packed = awkward.to_packed(selected)
    _check_size(packed.nbytes)
    return packed


def _check_sharing(array: Any) -> None:
    """Raise TooLarge for overlapping rows that are too large once each is written separately."""
    size, limit = expanded_nbytes(array), storage_settings().response_bytesize_limit
    if size > max(limit, 2 * array.nbytes):
        raise TooLarge(
            f"The rows overlap in the body; written out they have {size} bytes, more than {limit} "
            "(the setting storage.response_bytesize_limit). Send fewer of them at a time."
        )


def _check_size(size: int) -> None:
    check_response_bytes(size, "Use slicing ('?slice=...') to request fewer rows.")


def _written(node: Node, plan: RowWritePlan, upload: Upload) -> RaggedWritten:
    return RaggedWritten(
        node=node.ref,
        mimetype=upload.mimetype,
        shape=plan.shape,
        offset=plan.offset,
        block=plan.block,
        payload=upload.content,
        persisted=upload.persist,
        token=upload.token,
    )
