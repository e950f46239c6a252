"""Writers for asyncio: one connection for writes to many nodes, and those of each node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from ...arguments import flag
from ...settings import WriterOptions
from ...stream.protocol.streamed_node import StreamedNode
from ..engine.frames import ArrayFrames, TableFrames, frames_of

if TYPE_CHECKING:
    from ...tables import Rows
    from ..engine.written_node import WrittenNode
    from .driver import AsyncIngestDriver

CONNECT_SECONDS = 15.0


class AsyncIngestWriter:
    """The async counterpart of `IngestWriter`.

    Examples
    --------
    >>> async def write():
    ...     async with client.writer_async() as writer:
    ...         await writer.open(x).write([7, 8, 9])
    >>> asyncio.run(write())
    >>> x.read()
    array([7, 8, 9])
    """

    def __init__(self, node: StreamedNode, **options: Any) -> None:
        # Imported late: msgpack, and the WebSocket library.
        from ..engine.creation import writer_parts
        from .driver import AsyncIngestDriver

        self._driver = AsyncIngestDriver(*writer_parts(node, WriterOptions(**options)))

    def open(self, node: Any, *, persist: bool = True) -> Any:
        """Return the writer of a node over this connection.

        Parameters
        ----------
        node
            The client object of an array or a table of the same server.
        persist
            If False, data are streamed to subscribers and not stored.

        Returns
        -------
        AsyncArrayWriter or AsyncTableWriter
            Its writer.

        Raises
        ------
        NotSupported
            If the node is neither an array nor a table.
        """
        path = "/".join(node.path)
        frames = frames_of(node.structure, path, persist=flag(persist, "persist"))
        kind = AsyncArrayWriter if isinstance(frames, ArrayFrames) else AsyncTableWriter
        return kind(self._driver, self._driver.open(path, node.node_id), frames)

    async def connect(self, timeout: float = CONNECT_SECONDS) -> Self:
        """Connect, as the beginning of an `async with` block does.

        Parameters
        ----------
        timeout
            Seconds to wait for the connection.

        Returns
        -------
        AsyncIngestWriter
            The writer itself.

        Raises
        ------
        TiledClientError
            The error that prevents the connection.
        StreamTimeout
            If there was no connection after `timeout` seconds.
        """
        await self._driver.connect(timeout)
        return self

    async def flush(self, timeout: float | None = None) -> None:
        """Wait until everything that was written is acknowledged.

        Parameters
        ----------
        timeout
            Seconds to wait; None for no limit.

        Raises
        ------
        FrameRejected
            If a frame was not applied.
        StreamTimeout
            If not everything was acknowledged after `timeout` seconds.
        """
        await self._driver.flush(timeout)

    async def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect."""
        await self._driver.close()

    @property
    def pending(self) -> int:
        """The number of frames that are not acknowledged."""
        return self._driver.engine.pending

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            await self.close()
        else:
            await self._driver.stop()


class AsyncSingleNodeWriter:
    """Writes to one node, over the connection of an `AsyncIngestWriter`."""

    def __init__(self, driver: AsyncIngestDriver, node: WrittenNode) -> None:
        self._driver = driver
        self._node = node

    @property
    def acknowledged(self) -> int:
        """The number of the last frame that is dealt with; the first one has number 1."""
        return self._node.acknowledged

    async def flush(self, timeout: float | None = None) -> None:
        """Wait until everything is acknowledged; see `AsyncIngestWriter.flush`.

        Parameters
        ----------
        timeout
            Seconds to wait; None for no limit.
        """
        await self._driver.flush(timeout)

    async def close_stream(self) -> int:
        """Tell subscribers that this node gets no more data for now.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send({"op": "close"}, b"")

    async def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect."""
        await self._driver.close()

    async def _send(self, header: dict[str, Any], payload: Any) -> int:
        return await self._driver.add(self._node, header, payload)

    async def __aenter__(self) -> Self:
        await self._driver.connect(CONNECT_SECONDS)
        return self

    async def __aexit__(self, kind: object, *_: object) -> None:
        if kind is None:
            await self.close()
        else:
            await self._driver.stop()


class AsyncArrayWriter(AsyncSingleNodeWriter):
    """The async counterpart of `ArrayWriter`."""

    def __init__(self, driver: AsyncIngestDriver, node: WrittenNode, frames: ArrayFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

    async def append(self, frame: Any) -> int:
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
        return await self._send(*self._frames.append(frame))

    async def write(self, array: Any) -> int:
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
        return await self._send(*self._frames.write(array))

    async def write_block(self, array: Any, block: Sequence[int] | int) -> int:
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
        return await self._send(*self._frames.write_block(array, block))

    async def patch(self, array: Any, offset: Sequence[int] | int, *, extend: bool = False) -> int:
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
        return await self._send(*self._frames.patch(array, offset, extend=flag(extend, "extend")))


class AsyncTableWriter(AsyncSingleNodeWriter):
    """The async counterpart of `TableWriter`."""

    def __init__(self, driver: AsyncIngestDriver, node: WrittenNode, frames: TableFrames) -> None:
        super().__init__(driver, node)
        self._frames = frames

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
        return await self._send(*self._frames.append(rows, partition))

    async def write(self, rows: Rows) -> int:
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
        return await self._send(*self._frames.write(rows))
