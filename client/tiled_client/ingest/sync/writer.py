"""Writers that block: one connection for writes to many nodes."""

from __future__ import annotations

from typing import Any, Self

from ...http.operations import Blocking
from ...settings import WriterOptions
from ...stream.protocol.streamed_node import StreamedNode
from ...wire.structures import (
    ArrayStructure,
    AwkwardStructure,
    RaggedStructure,
    SparseStructure,
    TableStructure,
)
from ..operations.base import CONNECT_SECONDS, BlockingCalls
from ..operations.many import IngestWriterOperations
from .node_writers import (
    ArrayWriter,
    AwkwardWriter,
    ContainerWriter,
    RaggedWriter,
    SparseWriter,
    TableWriter,
)


class IngestWriter(BlockingCalls, Blocking, IngestWriterOperations):
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

    writers = {
        None: ContainerWriter,
        ArrayStructure: ArrayWriter,
        TableStructure: TableWriter,
        RaggedStructure: RaggedWriter,
        SparseStructure: SparseWriter,
        AwkwardStructure: AwkwardWriter,
    }

    def __init__(self, node: StreamedNode, **options: Any) -> None:
        # Imported late: msgpack, and the WebSocket library.
        from ..engine.creation import writer_parts
        from .driver import IngestDriver

        self._driver = IngestDriver(*writer_parts(node, WriterOptions(**options)))

    def __enter__(self) -> Self:
        self._driver.connect(CONNECT_SECONDS)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._driver.close()
        else:
            self._driver.stop()
