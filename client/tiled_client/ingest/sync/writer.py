"""One connection for writes to many nodes, acknowledged later."""

from __future__ import annotations

from typing import Any, Self

from ...arguments import flag
from ...settings import WriterOptions
from ...stream.protocol.streamed_node import StreamedNode
from ..engine.frames import ArrayFrames, frames_of
from .node_writers import ArrayWriter, TableWriter


class IngestWriter:
    """One connection that writes to many nodes.

    A `with` block connects, and at its end waits until everything is acknowledged. Frames are sent
    at once and acknowledged later: a call waits only while too many are not acknowledged
    (`max_pending`, `pending_bytes`). A lost connection is replaced, and nothing is lost or applied
    twice. An error of a frame is raised by the next call, or by `flush`.

    Options are those of `WriterOptions`. With a `spool`, frames are kept in a folder until they are
    acknowledged: writes continue while the server is down, and what a process leaves there is sent
    by the next writer with the same folder.

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
        # Imported late: msgpack, and the WebSocket library.
        from ..engine.creation import writer_parts
        from .driver import IngestDriver

        self._driver = IngestDriver(*writer_parts(node, WriterOptions(**options)))

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
        return kind(self._driver, self._driver.open(path, node.node_id), frames)

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
        self._driver.connect(timeout)
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
        self._driver.flush(timeout)

    def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect."""
        self._driver.close()

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
