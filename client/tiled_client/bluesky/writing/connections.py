"""The connections of a writer, one for each run, and the spools of runs that are still sent."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import StreamTimeout, TiledClientError

if TYPE_CHECKING:
    from ...ingest.sync.writer import IngestWriter

logger = logging.getLogger("tiled_client.bluesky")

# How long the end of a run waits for its acknowledgement, if it is in a spool.
FLUSH_SECONDS = 5.0

Callback = Callable[[str, Any], Any]


class Connections:
    """Opens a connection for each run, and gives it its own folder in the spool, if any."""

    def __init__(self, client: Any, spool: Path | None, options: Mapping[str, Any]) -> None:
        self._client, self._spool, self._options = client, spool, options
        self._sending: dict[Path, IngestWriter] = {}
        folders = sorted(spool.glob("*/nodes.json")) if spool is not None else []
        for folder in (path.parent for path in folders):
            try:
                self._sending[folder] = self._connect(folder)
            except BlockingIOError:
                logger.info("The run in %s is sent by another process", folder)

    def begin(self, uid: str) -> IngestWriter:
        """Return the connection of a new run. Raises TiledClientError and OSError."""
        self._settle()
        return self._connect(None if self._spool is None else self._spool / uid)

    def finish(self, uid: str, writer: IngestWriter) -> None:
        """Wait until a run is stored; one in a spool may be sent later. Raises as writers do."""
        if self._spool is None:
            writer.close()
            return
        self._sending[self._spool / uid] = writer
        try:
            writer.flush(FLUSH_SECONDS)
        except StreamTimeout:
            logger.warning("The run %s is kept in the spool, until the server acknowledges it", uid)
        finally:
            self._settle()

    def close(self, timeout: float | None) -> None:
        """Wait until all runs are sent, each for `timeout` seconds, and disconnect."""
        for folder, writer in self._sending.items():
            try:
                writer.flush(timeout)
            except TiledClientError as error:
                logger.warning("The run in %s is not sent: %s", folder, error)
        self._settle(all_of_them=True)

    def _connect(self, spool: Path | None) -> IngestWriter:
        from ...ingest.sync.writer import IngestWriter

        writer: IngestWriter = IngestWriter(self._client, spool=spool, **self._options).connect()
        return writer

    def _settle(self, *, all_of_them: bool = False) -> None:
        """Disconnect the runs that are sent, and remove their spools."""
        for folder, writer in list(self._sending.items()):
            is_sent = not writer.pending
            if not (is_sent or all_of_them):
                continue
            del self._sending[folder]
            try:
                writer.close()
            except TiledClientError:
                logger.exception("The run in %s was not written completely", folder)
            if is_sent:
                shutil.rmtree(folder, ignore_errors=True)


class RunCallback:
    """Takes the documents of one run: connects at its start, and waits at its end.

    `begin` makes what takes the documents, from the connection.
    """

    def __init__(
        self, connections: Connections, uid: str, begin: Callable[[IngestWriter], Callback]
    ) -> None:
        self._connections, self._uid, self._begin = connections, uid, begin
        self._writer: IngestWriter | None = None
        self._take: Callback | None = None

    def __call__(self, name: str, document: Any) -> None:
        """Take a document. Raises as writers do."""
        if self._writer is None or self._take is None:
            self._writer = self._connections.begin(self._uid)
            self._take = self._begin(self._writer)
        try:
            self._take(name, document)
        finally:
            if name == "stop":
                self._connections.finish(self._uid, self._writer)

    def abandon(self) -> None:
        """Disconnect: there will be no more documents."""
        if self._writer is not None:
            self._writer.abort()
