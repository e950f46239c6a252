"""Writers of arrays and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...arguments import flag
from ...http.operations import operation
from ..engine.frames import ArrayFrames, TableFrames
from ..engine.written_node import WrittenNode
from .base import Driver, SingleNodeOperations

if TYPE_CHECKING:
    from ...tables import Rows


class ArrayWriterOperations(SingleNodeOperations):
    """Writes to a dense array, for both kinds of writers."""

    def __init__(self, driver: Driver, node: WrittenNode, frames: ArrayFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

    @operation
    async def append(self, frame: Any, *, encoding: str | None = None) -> int:
        """Append a frame, or several, along the first dimension.

        Parameters
        ----------
        frame
            Data of the shape of the array without its first dimension, or with it for several.
        encoding
            How to compress the data: "zstd", "blosc", "blosc2" or "lz4"; or how bytes in their
            place are compressed already, also "bitshuffle-lz4".

        Returns
        -------
        int
            The number of the frame, for `acknowledged`.

        Raises
        ------
        FrameRejected
            If an earlier frame was not applied.
        ValueError
            If the shape does not fit, or a value would change.
        """
        return await self._send(self._frames.append(frame, encoding))

    @operation
    async def write(self, array: Any, *, encoding: str | None = None) -> int:
        """Replace the whole array.

        Parameters
        ----------
        array
            Data of the stored shape.
        encoding
            How the data are compressed, as for `append`.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.write(array, encoding))

    @operation
    async def write_block(
        self, array: Any, block: Sequence[int] | int, *, encoding: str | None = None
    ) -> int:
        """Replace one chunk.

        Parameters
        ----------
        array
            Data of the shape of the chunk.
        block
            The number of the chunk along each dimension.
        encoding
            How the data are compressed, as for `append`.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.write_block(array, block, encoding))

    @operation
    async def patch(
        self,
        array: Any,
        offset: Sequence[int] | int,
        *,
        extend: bool = False,
        resize: bool = False,
        encoding: str | None = None,
        shape: Sequence[int] | None = None,
    ) -> int:
        """Replace the part that starts at `offset`.

        Parameters
        ----------
        array
            The new data.
        offset
            Where the part starts, along each dimension.
        extend
            Let the array grow along its first dimension if the part reaches beyond its end.
        resize
            With `extend`, let it grow along its other dimensions as well, and accept a part of a
            new frame. What is then in no part is 0.
        encoding
            How the data are compressed, as for `append`.
        shape
            The shape of data that are compressed already.

        Returns
        -------
        int
            The number of the frame.
        """
        extend, resize = flag(extend, "extend"), flag(resize, "resize")
        content = self._frames.patch(
            array, offset, extend=extend, resize=resize, encoding=encoding, shape=shape
        )
        return await self._send(content)


class TableWriterOperations(SingleNodeOperations):
    """Writes to a table, for both kinds of writers."""

    def __init__(self, driver: Driver, node: WrittenNode, frames: TableFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

    @operation
    async def append(self, rows: Rows, partition: int | None = None) -> int:
        """Append rows to a partition.

        Parameters
        ----------
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table, with the table's columns.
        partition
            The number of the partition; by default the last one.

        Returns
        -------
        int
            The number of the frame, for `acknowledged`.

        Raises
        ------
        FrameRejected
            If an earlier frame was not applied.
        ValueError
            If columns are missing or unknown, or values do not fit their types.
        """
        return await self._send(self._frames.append(rows, partition))

    @operation
    async def write(self, rows: Rows, partition: int | None = None) -> int:
        """Replace all rows, or those of one partition.

        Parameters
        ----------
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table, with the table's columns.
        partition
            The number of the partition; by default the whole table is replaced.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.write(rows, partition))
