"""Create the parts of a writer that threads and asyncio share."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ...settings import WriterOptions
from ...stream.protocol.streamed_node import StreamedNode
from ..spool import Spool
from .connecting import IngestConnector
from .ingest_engine import IngestEngine


class WriterParts(NamedTuple):
    """The arguments of a driver."""

    engine: IngestEngine
    connector: IngestConnector
    options: WriterOptions


def writer_parts(node: StreamedNode, options: WriterOptions) -> WriterParts:
    """Return the parts of a writer to the server of `node`. Raises OSError (the spool)."""
    spool = None
    if options.spool is not None:
        spool = Spool(Path(options.spool), options.spool_bytes, fsync=options.fsync)
    connector = IngestConnector(node.api_root, node.credentials, node.http_options, options)
    return WriterParts(IngestEngine(options, spool), connector, options)
