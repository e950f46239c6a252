"""Writers of one node: many writes over a connection, acknowledged later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from ...arguments import flag
from ..engine.frames import ArrayFrames, TableFrames

if TYPE_CHECKING:
    from ...tables import Rows
    from ..engine.written_node import WrittenNode
    from .driver import IngestDriver

CONNECT_SECONDS = 15.0


class SingleNodeWriter:
    """Writes to one node, over the connection of an `IngestWriter`."""

    def __init__(self, driver: IngestDriver, node: WrittenNode) -> None:
        self._driver = driver
        self._node = node

    @property
    def acknowledged(self) -> int:
        """The number of the last frame that is dealt with; the first one has number 1."""
        return self._node.acknowledged

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything is acknowledged; see `IngestWriter.flush`.

        Parameters
        ----------
        timeout
            Seconds to wait; None for no limit.
        """
        self._driver.flush(timeout)

    def close_stream(self) -> int:
        """Tell subscribers that this node gets no more data for now.

        Returns
        -------
        int
            The number of the frame.
        """
        return self._send({"op": "close"}, b"")

    def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect."""
        self._driver.close()

    def _send(self, header: dict[str, Any], payload: Any) -> int:
        return self._driver.add(self._node, header, payload)

    def __enter__(self) -> Self:
        self._driver.connect(CONNECT_SECONDS)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._driver.stop()


class ArrayWriter(SingleNodeWriter):
    """Writes to a dense array.

    Examples
    --------
    >>> with x.writer() as w:
    ...     w.append(4)
    ...     w.append([5, 6])
    1
    2
    >>> x.refresh()
    >>> x.read()
    array([1, 2, 3, 4, 5, 6])
    """

    def __init__(self, driver: IngestDriver, node: WrittenNode, frames: ArrayFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

    def append(self, frame: Any) -> int:
        """Append a frame, or several, along the first dimension.

        Parameters
        ----------
        frame
            Data of the shape of the array without its first dimension, or with it for several.

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
        return self._send(*self._frames.append(frame))

    def write(self, array: Any) -> int:
        """Replace the whole array.

        Parameters
        ----------
        array
            Data of the stored shape.

        Returns
        -------
        int
            The number of the frame.
        """
        return self._send(*self._frames.write(array))

    def write_block(self, array: Any, block: Sequence[int] | int) -> int:
        """Replace one chunk.

        Parameters
        ----------
        array
            Data of the shape of the chunk.
        block
            The number of the chunk along each dimension.

        Returns
        -------
        int
            The number of the frame.
        """
        return self._send(*self._frames.write_block(array, block))

    def patch(self, array: Any, offset: Sequence[int] | int, *, extend: bool = False) -> int:
        """Replace the part that starts at `offset`.

        Parameters
        ----------
        array
            The new data.
        offset
            Where the part starts, along each dimension.
        extend
            Let the array grow along its first dimension if the part reaches beyond its end.

        Returns
        -------
        int
            The number of the frame.
        """
        return self._send(*self._frames.patch(array, offset, extend=flag(extend, "extend")))


class TableWriter(SingleNodeWriter):
    """Writes to a table.

    Examples
    --------
    >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
    >>> with t.writer() as w:
    ...     w.append({"time": [2], "counts": [9]})
    1
    >>> t["counts"].tolist()
    [5, 7, 9]
    """

    def __init__(self, driver: IngestDriver, node: WrittenNode, frames: TableFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

    def append(self, rows: Rows, partition: int | None = None) -> int:
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
        return self._send(*self._frames.append(rows, partition))

    def write(self, rows: Rows) -> int:
        """Replace all rows.

        Parameters
        ----------
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table, with the table's columns.

        Returns
        -------
        int
            The number of the frame.
        """
        return self._send(*self._frames.write(rows))
