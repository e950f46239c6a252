"""A callback for the documents of a RunEngine, in place of bluesky's `TiledWriter`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ...arguments import whole_number
from ...nodes import Container
from ...optional import require_package
from .backup import Backup
from .connections import Callback, Connections, RunCallback

if TYPE_CHECKING:
    from ...ingest.sync.writer import IngestWriter

ORIGINAL = "bluesky_tiled_plugins.writing.tiled_writer"
BATCH_SIZE = 10_000
MAX_ARRAY_SIZE = 16
DEFAULT: Any = object()


class Writer:
    """Writes the documents of runs through one connection for each run.

    Subscribe it to a RunEngine. It writes the nodes, metadata and data that the `TiledWriter` of
    bluesky-tiled-plugins writes, and takes its arguments. Documents are sent at once and
    acknowledged later; the document `stop` waits until everything is stored. If something is
    rejected, the next document raises `FrameRejected`.

    Requires `pip install "tiled-client[bluesky]"`.

    Parameters
    ----------
    client
        The container of the runs.
    normalizer
        A class that brings documents to the latest schema; by default the `RunNormalizer` of
        bluesky-tiled-plugins. None for documents that need no change.
    patches
        Functions that change documents before that, by the names of the documents.
    spec_to_mimetype
        Media types of the specs of `resource` documents, besides the known ones.
    backup_directory
        A folder for the documents of runs that could not be written. Then nothing is raised.
    backup_dictionary
        A mapping for the same purpose.
    batch_size
        How many events or frames are written together; 1 for subscribers that follow a run.
    max_array_size
        Arrays of events that have more elements are stored as arrays, not as columns.
    spool
        A folder in which runs are kept until they are stored. Then a run does not notice that the
        server is down: it is sent when the server is back, if need be by the next process.
    **options
        Further fields of `WriterOptions`.
    """

    def __init__(
        self,
        client: Container,
        *,
        normalizer: Callable[..., Any] | None = DEFAULT,
        patches: Mapping[str, Callable[[Any], Any]] | None = None,
        spec_to_mimetype: Mapping[str, str] | None = None,
        backup_directory: str | os.PathLike[str] | None = None,
        backup_dictionary: MutableMapping[str, Any] | None = None,
        batch_size: int = BATCH_SIZE,
        max_array_size: int = MAX_ARRAY_SIZE,
        spool: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(client, Container):
            raise TypeError(
                f"Writer takes a container of tiled_client, not {type(client).__name__}: get it by "
                "tiled_client.from_uri, or use TiledWriter with Tiled's client"
            )
        self.client = client
        if normalizer is DEFAULT:
            normalizer = require_package(ORIGINAL, "bluesky", subject="Runs").RunNormalizer
        self._normalizer = normalizer
        self._arguments = {"patches": patches, "spec_to_mimetype": spec_to_mimetype}
        self._backup_directory, self._backup_dictionary = backup_directory, backup_dictionary
        self._batch_size = whole_number(batch_size, "batch_size")
        self._max_array_size = whole_number(max_array_size, "max_array_size")
        router = require_package("event_model", "bluesky", subject="Runs").RunRouter
        self._router = router([self._callbacks_of_run])
        self._connections = Connections(client, None if spool is None else Path(spool), options)

    def __call__(self, name: str, doc: Any) -> None:
        """Take a document.

        Parameters
        ----------
        name
            The kind of document.
        doc
            The document.

        Raises
        ------
        FrameRejected
            If the server rejected an earlier document of the run.
        TiledClientError
            If there is no connection to the server, and no spool.
        """
        self._router(name, doc)

    def close(self, timeout: float | None = None) -> None:
        """Wait until the spools of all runs are sent.

        Parameters
        ----------
        timeout
            Seconds to wait for each of them. The others are sent by the next writer.
        """
        self._connections.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _callbacks_of_run(
        self, name: str, document: Mapping[str, Any]
    ) -> tuple[list[Any], list[Any]]:
        """Return what takes the documents of a new run, as a RunRouter wants it."""
        callback = RunCallback(self._connections, document["uid"], self._begin)
        backups = self._backups()
        return [Backup(callback, backups) if backups else callback], []

    def _backups(self) -> list[Callback]:
        places = {
            "JSONLinesWriter": self._backup_directory,
            "JSONDictWriter": self._backup_dictionary,
        }
        return [
            getattr(require_package(ORIGINAL, "bluesky", subject="Runs"), name)(place)
            for name, place in places.items()
            if place is not None
        ]

    def _begin(self, connection: IngestWriter) -> Callback:
        """Return what takes the documents of a run, from its connection."""
        from .written_run import WrittenRun

        run = WrittenRun(connection, self.client, self._batch_size, self._max_array_size)
        if self._normalizer is None:
            return run
        arguments = {name: dict(value or {}) for name, value in self._arguments.items()}
        normalizer: Any = self._normalizer(**arguments)
        normalizer.subscribe(run)
        return normalizer  # type: ignore[no-any-return]
