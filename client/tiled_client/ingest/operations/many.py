"""One connection for writes to many nodes, for both kinds of writers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from ...arguments import flag
from ...documents import SpecLike
from ...errors import NotSupported
from ...http.operations import operation
from ...wire.structure_family import StructureFamily
from ...wire.structures import (
    ArrayStructure,
    AwkwardStructure,
    RaggedStructure,
    SparseStructure,
    Structure,
    TableStructure,
)
from ..engine.frames import ArrayFrames, TableFrames
from ..engine.nested_frames import AwkwardFrames, RaggedFrames, SparseFrames
from ..engine.new_node import as_source, describe_node, structure_of
from ..engine.written_node import WrittenNode
from .base import CONNECT_SECONDS, Driven, SingleNodeOperations

CONTAINERS = (StructureFamily.container,)
FRAMES: dict[type, Any] = {
    ArrayStructure: ArrayFrames,
    TableStructure: TableFrames,
    RaggedStructure: RaggedFrames,
    SparseStructure: SparseFrames,
    AwkwardStructure: AwkwardFrames,
}


class IngestWriterOperations(Driven):
    """One connection that writes to many nodes.

    `writers` are the classes of the writers of nodes, by their structure; that of None writes
    neither arrays nor tables.
    """

    writers: ClassVar[Mapping[type | None, Any]]

    def open(self, node: Any, *, persist: bool = True) -> Any:
        """Return the writer of a node over this connection.

        Parameters
        ----------
        node
            The client object of a node of the same server.
        persist
            If False, data are streamed to subscribers and not stored.

        Returns
        -------
        ArrayWriter, TableWriter, RaggedWriter, SparseWriter, AwkwardWriter or ContainerWriter
            Its writer.

        Raises
        ------
        NotSupported
            If the node is a file that is stored as it is.
        """
        path = "/".join(node.path)
        structure = None if node.structure_family in CONTAINERS else node.structure
        _check(structure, path)
        written = self._driver.open(path, node.node_id)
        return self._writer_of(written, structure, persist=persist)

    def create(
        self,
        parent: Any,
        key: str | None = None,
        structure: Any = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Sequence[str] | None = None,
        persist: bool = True,
    ) -> Any:
        """Create a node, in order with the writes to it, and return its writer.

        The call does not wait for the server. If the node is rejected, the next call or `flush`
        raises the error, as for a frame.

        Parameters
        ----------
        parent
            The client object of the container, or a writer that `create` returned for it.
        key
            The key of the new node; by default a random UUID.
        structure
            The structure of the data, or a `DataSource`; for a table also an Arrow schema, or a
            mapping of column names to types. By default, the new node is a container.
        metadata
            Its metadata.
        specs
            Its specs: names, or `Spec` objects.
        access_tags
            Its access tags.
        persist
            If False, data are streamed to subscribers and not stored.

        Returns
        -------
        ArrayWriter, TableWriter, RaggedWriter, SparseWriter, AwkwardWriter or ContainerWriter
            The writer of the node.

        Raises
        ------
        FrameRejected
            If an earlier frame was not applied.

        Examples
        --------
        >>> with client.writer() as writer:
        ...     run = writer.create(client, "run")
        ...     w = writer.create(run, "readings", {"time": "f8"})
        ...     w.append({"time": [0.5]})
        1
        >>> client["run/readings"]["time"].tolist()
        [0.5]
        """
        source = as_source(structure)
        found = structure_of(source)
        _check(found, key or "")
        handle = parent.written.handle if isinstance(parent, SingleNodeOperations) else None
        new = describe_node(
            "/".join(parent.path),
            handle,
            source,
            key=key,
            metadata=metadata,
            specs=specs,
            access_tags=access_tags,
        )
        written = self._driver.create(new)
        return self._writer_of(written, found, persist=persist)

    @operation
    async def connect(self, timeout: float = CONNECT_SECONDS) -> Any:
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
        await self._call(self._driver.connect, timeout)
        return self

    @operation
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
        await self._call(self._driver.flush, timeout)

    @operation
    async def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect."""
        await self._call(self._driver.close)

    @operation
    async def abort(self) -> None:
        """Disconnect at once: pending frames are not sent, except by the next writer of a spool."""
        await self._call(self._driver.stop)

    @property
    def pending(self) -> int:
        """The number of frames that are not acknowledged, and of nodes not created yet."""
        return self._driver.engine.pending

    def _writer_of(self, node: WrittenNode, structure: Structure | None, *, persist: bool) -> Any:
        persist = flag(persist, "persist")
        if structure is None:
            return self.writers[None](self._driver, node)
        frames = FRAMES[type(structure)](structure, persist=persist)
        return self.writers[type(structure)](self._driver, node, frames)


def _check(structure: Structure | None, path: str) -> None:
    if structure is not None and type(structure) not in FRAMES:
        raise NotSupported(f"There is no writer for the node /{path}: it is a file.")
