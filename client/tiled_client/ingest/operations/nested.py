"""Writers of ragged, sparse and awkward arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...arguments import flag
from ...http.operations import operation
from ..engine.nested_frames import AwkwardFrames, RaggedFrames, SparseFrames
from ..engine.written_node import WrittenNode
from .base import Driver, SingleNodeOperations


class RaggedWriterOperations(SingleNodeOperations):
    """Writes to a ragged array, for both kinds of writers."""

    def __init__(self, driver: Driver, node: WrittenNode, frames: RaggedFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

    @operation
    async def append(self, rows: Any) -> int:
        """Add rows behind those that are stored.

        Parameters
        ----------
        rows
            A list of rows, a `ragged.array` or an `awkward.Array`.

        Returns
        -------
        int
            The number of the frame, for `acknowledged`.

        Raises
        ------
        FrameRejected
            If an earlier frame was not applied.
        ValueError
            If the rows have another number of dimensions, or a value would change.
        """
        return await self._send(self._frames.append(rows))

    @operation
    async def write(self, rows: Any) -> int:
        """Replace all rows.

        Parameters
        ----------
        rows
            As many rows as are stored.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.write(rows))

    @operation
    async def write_block(self, rows: Any, block: Sequence[int] | int) -> int:
        """Replace the rows of one chunk.

        Parameters
        ----------
        rows
            As many rows as the chunk has.
        block
            The number of the chunk.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.write_block(rows, block))

    @operation
    async def patch(self, rows: Any, offset: int, *, extend: bool = False) -> int:
        """Replace rows from `offset` on.

        Parameters
        ----------
        rows
            The new rows.
        offset
            The number of the first row to replace.
        extend
            Let the array grow if the rows reach beyond its end.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.patch(rows, offset, extend=flag(extend, "extend")))


class SparseWriterOperations(SingleNodeOperations):
    """Writes to a sparse array, for both kinds of writers."""

    def __init__(self, driver: Driver, node: WrittenNode, frames: SparseFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

    @operation
    async def write(self, coords: Any, data: Any = None) -> int:
        """Replace all elements.

        Parameters
        ----------
        coords
            Coordinates, one row per dimension; or a `sparse.COO`, given alone.
        data
            The value of each element.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.write(coords, data))

    @operation
    async def write_block(
        self, coords: Any, data: Any = None, block: Sequence[int] | int = ()
    ) -> int:
        """Replace the elements of one chunk.

        Parameters
        ----------
        coords
            Coordinates, relative to the start of the chunk; or a `sparse.COO`.
        data
            The value of each element.
        block
            The number of the chunk along each dimension.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.write_block(coords, data, block))


class AwkwardWriterOperations(SingleNodeOperations):
    """Writes to an awkward array, for both kinds of writers."""

    def __init__(self, driver: Driver, node: WrittenNode, frames: AwkwardFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

    @operation
    async def write(self, array: Any) -> int:
        """Replace the array.

        Parameters
        ----------
        array
            An array of the stored form and length.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(self._frames.write(array))
