"""Writers: many writes over one connection, acknowledged later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from ...arguments import flag
from ...settings import WriterOptions
from ...stream.protocol.streamed_node import StreamedNode
from ..engine.connecting import IngestConnector
from ..engine.frames import ArrayFrames, TableFrames, frames_of
from ..engine.ingest_engine import IngestEngine
from ..engine.written_node import WrittenNode
from .driver import IngestDriver

if TYPE_CHECKING:
    from ...tables import Rows


class IngestWriter:
    """One connection that writes to many nodes.

    A `with` block connects, and at its end waits until everything is acknowledged. Frames are sent
    at once and acknowledged later: a call waits only while too many are not acknowledged
    (`max_pending`, `pending_bytes`). A lost connection is replaced, and nothing is lost or applied
    twice. An error of a frame is raised by the next call, or by `flush`.

    Options are those of `WriterOptions`.

    Examples
    --------
    >>> with client.writer() as writer:
    ...     w = writer.open(x)
    ...     w.write([7, 8, 9])
    1
    >>> x.read()
    array([7, 8, 9])
    """

    def __init__(self, node: StreamedNode, **options: Any) -> None:
        self._options = WriterOptions(**options)
        engine = IngestEngine(self._options)
        connector = IngestConnector(
            node.api_root, node.credentials, node.http_options, self._options
        )
        self._driver = IngestDriver(engine, connector, self._options)
        self._root = node.api_root

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
        ArrayWriter or TableWriter
            Its writer.

        Raises
        ------
        NotSupported
            If the node is neither an array nor a table.
        """
        path = "/".join(node.path)
        frames = frames_of(node.structure, path, persist=flag(persist, "persist"))
        kind = ArrayWriter if isinstance(frames, ArrayFrames) else TableWriter
        return kind(self, self._driver.open(path, node.node_id), frames)

    def connect(self, timeout: float = 15.0) -> Self:
        """Connect, as the beginning of a `with` block does.

        Parameters
        ----------
        timeout
            Seconds to wait for the connection.

        Returns
        -------
        IngestWriter
            The writer itself.

        Raises
        ------
        TiledClientError
            The error that prevents the connection.
        StreamTimeout
            If there was no connection after `timeout` seconds.
        """
        self._driver.start()
        engine = self._driver.engine
        try:
            self._driver.wait_for(
                lambda: engine.connected or engine.failure is not None,
                timeout,
                f"{self._root} did not accept a connection",
            )
            engine.raise_failures()
        except BaseException:
            self._driver.stop()
            raise
        return self

    def flush(self, timeout: float | None = None) -> None:
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
        engine = self._driver.engine
        what = "Not everything was acknowledged"
        self._driver.wait_for(lambda: engine.is_settled, timeout, what)
        engine.raise_failures()

    def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect."""
        try:
            self.flush()
        finally:
            self._driver.stop()

    @property
    def pending(self) -> int:
        """The number of frames that are not acknowledged."""
        return self._driver.engine.pending

    def __enter__(self) -> Self:
        return self.connect()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self._driver.stop()


class NodeWriter:
    """Writes to one node, over the connection of an `IngestWriter`."""

    def __init__(self, connection: IngestWriter, node: WrittenNode) -> None:
        self._connection = connection
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
        self._connection.flush(timeout)

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
        self._connection.close()

    def _send(self, header: dict[str, Any], payload: Any) -> int:
        return self._connection._driver.add(self._node, header, payload)

    def __enter__(self) -> Self:
        self._connection.connect()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._connection.__exit__(*raised)


class ArrayWriter(NodeWriter):
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

    def __init__(self, connection: IngestWriter, node: WrittenNode, frames: ArrayFrames) -> None:
        super().__init__(connection, node)
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


class TableWriter(NodeWriter):
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

    def __init__(self, connection: IngestWriter, node: WrittenNode, frames: TableFrames) -> None:
        super().__init__(connection, node)
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
