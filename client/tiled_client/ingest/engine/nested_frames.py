"""The frames of writers of ragged, sparse and awkward arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nested, tables
from ...arguments import whole_number, whole_numbers
from ...casting import cast_exactly
from ...sparse import to_elements
from ...wire.buffers import awkward_buffers, ragged_body, zip_members
from ...wire.errors import WireError
from ...wire.sparse import Coo, SparseStructure
from ...wire.structures import AwkwardStructure, RaggedStructure
from .frames import FrameContent, operation_header


class RaggedFrames:
    """Frames for a ragged array."""

    def __init__(self, structure: RaggedStructure, *, persist: bool) -> None:
        self._dtype, self._ndim = structure.dtype, len(structure.shape)
        self._persist = persist

    def append(self, rows: Any) -> FrameContent:
        """Return the frame that adds rows behind those that are stored."""
        return FrameContent(self._header("append"), self._encode(rows)[1])

    def write(self, rows: Any) -> FrameContent:
        """Return the frame that replaces all rows."""
        return FrameContent(self._header("write"), self._encode(rows)[1])

    def write_block(self, rows: Any, block: Sequence[int] | int) -> FrameContent:
        """Return the frame that replaces the rows of one chunk."""
        number = list(whole_numbers(block, "block", minimum=0))
        return FrameContent({**self._header("block"), "block": number}, self._encode(rows)[1])

    def patch(self, rows: Any, offset: int, *, extend: bool) -> FrameContent:
        """Return the frame that replaces rows from `offset` on."""
        start = whole_number(offset, "offset", minimum=0)
        count, payload = self._encode(rows)
        header = {**self._header("patch"), "offset": [start], "shape": [count]}
        return FrameContent({**header, "extend": True} if extend else header, payload)

    def _encode(self, value: Any) -> tuple[int, bytes]:
        rows = nested.to_rows(value, self._dtype)
        if len(rows) and rows.ndim != self._ndim:
            raise ValueError(
                f"data of {rows.ndim} dimensions do not fit the array of {self._ndim} dimensions: "
                "pass a list of rows, as in [[1, 2]] for one row"
            )
        return len(rows), ragged_body(rows)

    def _header(self, op: str) -> dict[str, Any]:
        return operation_header(op, persist=self._persist)


class SparseFrames:
    """Frames for a sparse array."""

    def __init__(self, structure: SparseStructure, *, persist: bool) -> None:
        self._structure, self._persist = structure, persist

    def write(self, coords: Any, data: Any) -> FrameContent:
        """Return the frame that replaces all elements."""
        header = operation_header("write", persist=self._persist)
        return FrameContent(header, self._encode(coords, data, self._structure.shape))

    def write_block(self, coords: Any, data: Any, block: Sequence[int] | int) -> FrameContent:
        """Return the frame that replaces the elements of one chunk."""
        number = whole_numbers(block, "block", minimum=0)
        shape = self._shape_of(number)
        header = {**operation_header("block", persist=self._persist), "block": list(number)}
        return FrameContent(header, self._encode(coords, data, shape))

    def _shape_of(self, block: tuple[int, ...]) -> tuple[int, ...]:
        try:
            region = self._structure.block_region(block)
        except WireError as error:
            raise IndexError(str(error)) from error
        return tuple(part.stop - part.start for part in region)

    def _encode(self, coords: Any, data: Any, shape: Sequence[int]) -> Any:
        elements = to_elements(coords, data, shape)
        values = cast_exactly(elements.data, self._structure.dtype)
        return tables.encode(Coo(elements.coords, values, tuple(shape)).to_arrow())


class AwkwardFrames:
    """Frames for an awkward array."""

    def __init__(self, structure: AwkwardStructure, *, persist: bool) -> None:
        self._structure, self._persist = structure, persist

    def write(self, array: Any) -> FrameContent:
        """Return the frame that replaces the array."""
        form, length, buffers = awkward_buffers(nested.to_awkward(array))
        if (form, length) != (self._structure.form, self._structure.length):
            raise ValueError(
                "the array has another form or length than the stored one: create a new node"
            )
        header = operation_header("write", persist=self._persist)
        return FrameContent(header, zip_members(buffers))
