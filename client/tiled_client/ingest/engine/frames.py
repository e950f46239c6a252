"""The frames of the writers of each structure family: a header and a payload for each call."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from ... import tables
from ...arguments import whole_numbers
from ...encoded_values import EncodedValues, encode_values, shape_of
from ...wire.slices import patch_region
from ...wire.structures import ArrayStructure, TableStructure


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

    def append(self, values: Any, encoding: str | None = None) -> FrameContent:
        """Return the frame that appends one frame of the array, or several."""
        sent = encode_values(values, self._dtype, encoding)
        count, rest = self._frame_count(sent), self._shape[1:]
        if self._persist:
            return FrameContent({"op": "append", **sent.fields()}, sent.payload)
        offset = [self._end, *(0 for _ in rest)]
        self._end += count
        return self._patch(sent, offset, (count, *rest), extend=True)

    def write(self, values: Any, encoding: str | None = None) -> FrameContent:
        """Return the frame that replaces the whole array."""
        sent = encode_values(values, self._dtype, encoding)
        return FrameContent({**self._header("write"), **sent.fields()}, sent.payload)

    def write_block(
        self, values: Any, block: Sequence[int] | int, encoding: str | None = None
    ) -> FrameContent:
        """Return the frame that replaces one chunk."""
        number = list(whole_numbers(block, "block", minimum=0))
        sent = encode_values(values, self._dtype, encoding)
        header = {**self._header("block"), "block": number, **sent.fields()}
        return FrameContent(header, sent.payload)

    def patch(
        self,
        values: Any,
        offset: Sequence[int] | int,
        *,
        extend: bool,
        resize: bool = False,
        encoding: str | None = None,
        shape: Sequence[int] | None = None,
    ) -> FrameContent:
        """Return the frame that replaces a part."""
        sent = encode_values(values, self._dtype, encoding)
        start = whole_numbers(offset, "offset", minimum=0)
        part = shape_of(sent, shape)
        if self._shape and part == self._shape[1:]:
            part = (1, *part)
        region = patch_region(self._shape, start, part)
        content = self._patch(sent, [one.start for one in region], part, extend=extend)
        return (
            FrameContent({**content.header, "resize": True}, content.payload) if resize else content
        )

    def _frame_count(self, sent: EncodedValues) -> int:
        """Return how many frames these values are. Raises ValueError if they are none."""
        rest = self._shape[1:]
        if (
            self._shape
            and sent.shape is not None
            and sent.shape in (rest, (*sent.shape[:1], *rest))
        ):
            return 1 if sent.shape == rest else sent.shape[0]
        frame = math.prod(rest) * self._dtype.itemsize
        if self._shape and sent.shape is None and frame and not sent.size % frame:
            return sent.size // frame
        raise ValueError(
            f"{sent} cannot be appended to an array of shape {self._shape}: its frames have the "
            f"shape {rest}"
        )

    def _patch(
        self, sent: EncodedValues, offset: Sequence[int], shape: Sequence[int], *, extend: bool
    ) -> FrameContent:
        header = {**self._header("patch"), "offset": list(offset), "shape": list(shape)}
        if extend:
            header["extend"] = True
        return FrameContent({**header, **sent.fields()}, sent.payload)

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
