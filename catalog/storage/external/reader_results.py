"""Parse and validate the results of confined processes.

A malicious file may have taken over the process: its replies are as untrusted as the requests of a
client.
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
    """Return a slice as plain data."""
    return [
        [item.start, item.stop, item.step] if isinstance(item, slice) else item for item in items
    ]


def as_array(content: Content, dtype: np.dtype[Any]) -> Array:
    """Parse an array of this dtype. Raises Unreadable."""
    shape, buffers = content
    data = buffers[0] if buffers else b""
    try:
        found: Array = (
            np.frombuffer(data, np.uint8).view(dtype) if len(data) else np.empty(0, dtype)
        )
        return found.reshape(shape) if math.prod(shape) else np.empty(shape, dtype)
    except (TypeError, ValueError) as error:
        raise Unreadable(f"The reader returned no array of {dtype}: {error}.") from error


def as_entry(value: Mapping[str, Any]) -> Entry:
    """Parse an entry: a group, an array or a table. Raises Unreadable."""
    family, structure = _read_description(value)
    return Entry(family, structure, dict(value["metadata"]), list(value["specs"]))


def as_inspected(value: Mapping[str, Any]) -> Inspected:
    """Parse the result of an inspection. Raises Unreadable."""
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
    """Yield rows as tables, each read on demand. Raises StorageError."""
    session = uuid.uuid4().hex
    wanted = {**arguments, "rows": [rows.start or 0, rows.stop]}
    delivered, more = 0, True
    try:
        while more:
            # The session may have been evicted, or its process replaced: `delivered` says where
            # to continue.
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
        raise Unreadable(f"The reader returned no table: {error}.") from error
    return table


def _read_description(value: Mapping[str, Any]) -> tuple[StructureFamily, Structure | None]:
    try:
        family = StructureFamily(value["family"])
        kind = STRUCTURES.get(family)
        structure = value["structure"]
        return family, kind.from_json(structure) if kind is not None and structure else None
    except (KeyError, TypeError, ValueError, WireError) as error:
        raise Unreadable(f"The reader returned an unknown structure: {error}.") from error
