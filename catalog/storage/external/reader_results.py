"""What a process that reads files hands over, checked and put together again.

A file may have taken that process over: of its answers no more is believed than could be asked of
any client.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tiled_client.wire.errors import WireError
from tiled_client.wire.slices import NDSlice
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure, TableStructure

from ..confined.messages import Content
from ..confined_processes import end_session
from ..encoding import Array
from ..errors import Unreadable
from .formats import Entry, Inspected
from .readers import call
from .sources import Sources

STRUCTURES: dict[StructureFamily, type[ArrayStructure | TableStructure]] = {
    StructureFamily.array: ArrayStructure,
    StructureFamily.table: TableStructure,
}


def items_to_json(items: NDSlice) -> list[Any]:
    """Items as plain data."""
    return [
        [item.start, item.stop, item.step] if isinstance(item, slice) else item for item in items
    ]


def as_array(content: Content, dtype: np.dtype[Any]) -> Array:
    """Return an array of that dtype. Raises Unreadable."""
    shape, buffers = content
    data = buffers[0] if buffers else b""
    try:
        found: Array = (
            np.frombuffer(data, np.uint8).view(dtype) if len(data) else np.empty(0, dtype)
        )
        return found.reshape(shape) if math.prod(shape) else np.empty(shape, dtype)
    except (TypeError, ValueError) as error:
        raise Unreadable(f"What was read is no array of {dtype}: {error}.") from error


def as_entry(value: Mapping[str, Any]) -> Entry:
    """Return a group, an array or a table. Raises Unreadable."""
    family, structure = _read_description(value)
    return Entry(family, structure, dict(value["metadata"]), list(value["specs"]))


def as_inspected(value: Mapping[str, Any]) -> Inspected:
    """What files should be registered as. Raises Unreadable."""
    family, structure = _read_description(value)
    return Inspected(
        family,
        value["mimetype"],
        structure,
        dict(value["parameters"]),
        dict(value["metadata"]),
        list(value["specs"]),
        value["rows"],
    )


def as_tables(
    operation: str, sources: Sources, arguments: Mapping[str, Any], rows: slice
) -> Iterator[pa.Table]:
    """Rows, piece by piece, each of which is read when it is asked for. Raises StorageError."""
    session = uuid.uuid4().hex
    wanted = {**arguments, "rows": [rows.start or 0, rows.stop]}
    delivered, more = 0, True
    try:
        while more:
            # A process that has ended meanwhile, or had to make room, is none that matters: where
            # to go on is said each time.
            more, buffers = call(operation, sources, {**wanted, "delivered": delivered}, session)
            for buffer in buffers:
                piece = _table(buffer)
                delivered += piece.num_rows
                yield piece
    finally:
        end_session(session)


def _table(buffer: memoryview) -> pa.Table:
    try:
        table = pa.ipc.open_stream(pa.py_buffer(buffer)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, ValueError, OSError) as error:
        raise Unreadable(f"What was read is no table: {error}.") from error
    return table


def _read_description(value: Mapping[str, Any]) -> tuple[StructureFamily, Structure | None]:
    try:
        family = StructureFamily(value["family"])
        kind = STRUCTURES.get(family)
        structure = value["structure"]
        return family, kind.from_json(structure) if kind is not None and structure else None
    except (KeyError, TypeError, ValueError, WireError) as error:
        raise Unreadable(f"What was read has no structure that is known: {error}.") from error
