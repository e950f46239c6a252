"""The frames of the writers of each structure family: a header and a payload for each call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ... import tables
from ...arguments import whole_numbers
from ...casting import cast_exactly
from ...wire.slices import patch_region
from ...wire.structures import ArrayStructure, TableStructure

Array = np.ndarray[Any, np.dtype[Any]]


class FrameContent(NamedTuple):
    """The header of a frame, without handle and sequence, and its payload."""

    header: dict[str, Any]
    payload: Any


class ArrayFrames:
    """Frames for a dense array.

    `end` is where the next frame is appended that is not persisted: the server knows no end of
    these.
    """

    def __init__(self, structure: ArrayStructure, *, persist: bool) -> None:
        self._dtype, self._shape = structure.dtype, structure.shape
        self._persist = persist
        self._end = structure.shape[0] if structure.shape else 0

    def append(self, values: Any) -> FrameContent:
        """Return the frame that appends one frame of the array, or several."""
        array = cast_exactly(values, self._dtype)
        rest = self._shape[1:]
        if not self._shape or array.shape not in (rest, (len(array) if array.ndim else 0, *rest)):
            raise ValueError(
                f"data of shape {array.shape} cannot be appended to an array of shape "
                f"{self._shape}: its frames have the shape {rest}"
            )
        count = 1 if array.shape == rest else len(array)
        if self._persist:
            return FrameContent({"op": "append"}, octets(array))
        offset = [self._end, *(0 for _ in rest)]
        self._end += count
        return self._patch(octets(array), offset, (count, *rest), extend=True)

    def write(self, values: Any) -> FrameContent:
        """Return the frame that replaces the whole array."""
        array = cast_exactly(values, self._dtype)
        return FrameContent(self._header("write"), octets(array))

    def write_block(self, values: Any, block: Sequence[int] | int) -> FrameContent:
        """Return the frame that replaces one chunk."""
        number = list(whole_numbers(block, "block", minimum=0))
        array = cast_exactly(values, self._dtype)
        return FrameContent({**self._header("block"), "block": number}, octets(array))

    def patch(
        self, values: Any, offset: Sequence[int] | int, *, extend: bool, resize: bool = False
    ) -> FrameContent:
        """Return the frame that replaces a part."""
        array = cast_exactly(values, self._dtype)
        start = whole_numbers(offset, "offset", minimum=0)
        if array.ndim == len(self._shape) - 1 and array.shape == self._shape[1:]:
            array = array[np.newaxis]
        region = patch_region(self._shape, start, array.shape)
        offsets = [part.start for part in region]
        content = self._patch(octets(array), offsets, array.shape, extend=extend)
        return (
            FrameContent({**content.header, "resize": True}, content.payload) if resize else content
        )

    def _patch(
        self, payload: Any, offset: Sequence[int], shape: Sequence[int], *, extend: bool
    ) -> FrameContent:
        header = {**self._header("patch"), "offset": list(offset), "shape": list(shape)}
        if extend:
            header["extend"] = True
        return FrameContent(header, payload)

    def _header(self, op: str) -> dict[str, Any]:
        return operation_header(op, persist=self._persist)


class TableFrames:
    """Frames for a table."""

    def __init__(self, structure: TableStructure, *, persist: bool) -> None:
        self._schema = structure.schema()
        self._last = structure.npartitions - 1
        self._persist = persist

    def append(self, rows: tables.Rows, partition: int | None = None) -> FrameContent:
        """Return the frame that appends rows to a partition; by default to the last one."""
        number = self._last if partition is None else partition
        return self._frame("append", rows, {"partition": number})

    def write(self, rows: tables.Rows, partition: int | None = None) -> FrameContent:
        """Return the frame that replaces all rows, or those of a partition."""
        return self._frame("write", rows, {} if partition is None else {"partition": partition})

    def _frame(self, op: str, rows: tables.Rows, fields: dict[str, Any]) -> FrameContent:
        header = {**operation_header(op, persist=self._persist), **fields}
        return FrameContent(header, tables.encode(tables.to_arrow(rows, self._schema)))


def operation_header(op: str, *, persist: bool) -> dict[str, Any]:
    """Return the header of a write."""
    return {"op": op} if persist else {"op": op, "persist": False}


def octets(array: Array) -> Any:
    """Return the bytes of an array in C order, without a copy if they are in that order."""
    if not array.size or not array.itemsize:
        return b""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
