"""Client object of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from ..errors import NodeNotFound, TiledClientError
from ..http.operations import run
from ..nodes.container import Container
from ..nodes.display.keys import keys_text
from ..nodes.display.texts import joined
from ..nodes.listing import ListingOperations
from ..uris import split_path
from ..wire.structure_family import StructureFamily
from .catalog import short_time
from .documents import Document, fetch_documents

RUN = "BlueskyRun"
RUNNING = "running"


class RunOperations(ListingOperations):
    """A run, as both clients have it."""

    __hash__: ClassVar[Any] = ListingOperations.__hash__

    @property
    def start(self) -> dict[str, Any]:
        """The start document; read-only."""
        start: dict[str, Any] = self.metadata.get("start") or {}
        return start

    @property
    def stop(self) -> dict[str, Any] | None:
        """The stop document; None for a run that was not complete when it was last fetched.

        `refresh()` fetches it again.
        """
        return self.metadata.get("stop") or None

    @property
    def uid(self) -> str:
        """The uid."""
        return str(self.start.get("uid", self.key))

    @property
    def scan_id(self) -> int | None:
        """The scan id, which the RunEngine counts; it need not be unique."""
        return self.start.get("scan_id")

    @property
    def status(self) -> str:
        """Return "running", or how the run ended: "success", "abort" or "fail"."""
        return RUNNING if self.stop is None else str(self.stop.get("exit_status", "?"))

    async def _node(self, key: str | tuple[str, ...]) -> Any:
        try:
            return await super()._node(key)
        except NodeNotFound:
            parts = (key,) if isinstance(key, str) else key
            path = tuple(name for part in parts for name in split_path(part))
            if len(path) < 2:
                raise
            # A reading, which is a column of a table in the stream.
            return await (await super()._node(path[:1]))._node(path[1:])

    def _facts(self) -> str:
        known = {name: self.start.get(name) for name in ("scan_id", "plan_name")}
        facts = [f"{name}={value!r}" for name, value in known.items() if value is not None]
        return joined(*facts, self.status, short_time(self.start.get("time")))


class BlueskyRun(RunOperations, Container, family=StructureFamily.container, spec=RUN):
    """A run: a container of its streams, with the start and stop documents.

    `run["primary"]` and `run.primary` are the client object of a stream.

    Examples
    --------
    >>> start = {"uid": "0c13ab52-7a2b-4c7e-9d4b-8f5fd4a2a001", "scan_id": 7, "plan_name": "scan"}
    >>> run = client.create_container("run", specs="BlueskyRun", metadata={"start": start})
    >>> run.scan_id, run.status, run.stop
    (7, 'running', None)
    """

    def documents(self) -> Iterator[Document]:
        """Fetch all documents of the run, to be processed as if it were running.

        Returns
        -------
        iterator of (str, dict)
            The name of each document, and the document. `start` is first; descriptors and events
            are in the order of their times; `stop` is last, if there is one. Uids of events and of
            documents of files are not the original ones, which are not stored.

        Raises
        ------
        NotAcceptable
            If the server does not export the documents of this run.

        Examples
        --------
        Show a run in the way of a running one::

            for name, document in run.documents():
                live_table(name, document)
        """
        return run(fetch_documents(self._requests, self._path))

    def __getattr__(self, name: str) -> Any:
        """Fetch a stream, unless its name is that of an attribute of this class."""
        if not name.startswith("_"):
            try:
                return self[name]
            except NodeNotFound:
                pass
        raise AttributeError(f"{type(self).__name__!r} object has no attribute or stream {name!r}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *filter(str.isidentifier, self._stream_names())]

    def _stream_names(self) -> list[str]:
        try:
            return list(self)
        except TiledClientError:  # completion must not fail
            return []

    def __repr__(self) -> str:
        return self._text(joined(self._facts(), keys_text(self, "{}")))
