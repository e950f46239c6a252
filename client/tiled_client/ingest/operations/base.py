"""What all writers of one node have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from ...documents import SpecLike
from ...http.operations import operation
from ...wire.data_sources import DataSource
from ..engine.description_frames import (
    data_source_frame,
    metadata_frame,
    metadata_patch_frame,
)
from ..engine.frames import FrameContent
from ..engine.ingest_engine import IngestEngine
from ..engine.new_node import NewNode
from ..engine.written_node import WrittenNode

CONNECT_SECONDS = 15.0


class Driver(Protocol):
    """The connection of a writer: methods that block, or coroutine functions for asyncio.

    Those that add a node neither block nor are awaited.
    """

    engine: IngestEngine

    def open(self, path: str, uuid: str | None) -> WrittenNode:
        """Add a node to write to."""

    def create(self, new: NewNode) -> WrittenNode:
        """Add a node to create and to write to."""

    def connect(self, timeout: float) -> Any:
        """Start, and wait for the connection."""

    def add(self, node: WrittenNode, header: Mapping[str, Any], payload: Any) -> Any:
        """Send a frame, once there is room for it; return its number."""

    def flush(self, timeout: float | None = None) -> Any:
        """Wait until everything is acknowledged."""

    def close(self) -> Any:
        """Wait until everything is acknowledged, and disconnect."""

    def stop(self) -> Any:
        """Disconnect."""


class Driven:
    """A writer with a driver, whose methods it calls by `_call`."""

    _driver: Driver

    async def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """Call a method of the driver, and return its result."""
        raise NotImplementedError


class BlockingCalls:
    """Calls the methods of a driver that block."""

    async def _call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        return method(*arguments)


class AwaitedCalls:
    """Calls the coroutine functions of a driver for asyncio."""

    async def _call(self, method: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return await method(*arguments)


class SingleNodeOperations(Driven):
    """Writes to one node, over the connection of an `IngestWriter`."""

    def __init__(self, driver: Driver, node: WrittenNode) -> None:
        self._driver = driver
        self._node = node

    @property
    def path(self) -> tuple[str, ...]:
        """The keys from the root to the node."""
        return tuple(self._node.path.split("/")) if self._node.path else ()

    @property
    def written(self) -> WrittenNode:
        """The state of the node."""
        return self._node

    @property
    def acknowledged(self) -> int:
        """The number of the last frame that is dealt with; the first one has number 1."""
        return self._node.acknowledged

    @operation
    async def flush(self, timeout: float | None = None) -> None:
        """Wait until everything is acknowledged; see `IngestWriter.flush`.

        Parameters
        ----------
        timeout
            Seconds to wait; None for no limit.
        """
        await self._call(self._driver.flush, timeout)

    @operation
    async def update_metadata(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Iterable[str] | None = None,
        drop_revision: bool = False,
    ) -> int:
        """Merge `metadata` into the stored metadata, in order with the writes to the node.

        Parameters
        ----------
        metadata
            Merged as by JSON Merge Patch: a value of None deletes its key.
        specs, access_tags
            Replace the stored ones, unless None.
        drop_revision
            Do not save the state before as a revision.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(
            metadata_frame(metadata, specs, access_tags, merge=True, drop_revision=drop_revision)
        )

    @operation
    async def replace_metadata(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Iterable[str] | None = None,
        drop_revision: bool = False,
    ) -> int:
        """Replace metadata, specs or access tags as a whole; those that are None stay.

        Parameters
        ----------
        metadata, specs, access_tags
            The new values.
        drop_revision
            Do not save the state before as a revision.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(
            metadata_frame(metadata, specs, access_tags, merge=False, drop_revision=drop_revision)
        )

    @operation
    async def patch_metadata(
        self, metadata_patch: Sequence[Mapping[str, Any]], *, drop_revision: bool = False
    ) -> int:
        """Apply a JSON Patch (RFC 6902) to the metadata.

        Parameters
        ----------
        metadata_patch
            The operations, as in `[{"op": "add", "path": "/stop", "value": 7}]`.
        drop_revision
            Do not save the state before as a revision.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(metadata_patch_frame(metadata_patch, drop_revision=drop_revision))

    @operation
    async def update_data_source(
        self,
        source: DataSource,
        *,
        offset: Sequence[int] | int | None = None,
        shape: Sequence[int] | int | None = None,
        partition: int | None = None,
    ) -> int:
        """Update the data source of external files, and announce new data to subscribers.

        Parameters
        ----------
        source
            The data source with its new structure. Its assets are added to the known ones.
        offset, shape
            The region that is new, or the first row and the number of rows; without them,
            subscribers assume that any part may be.
        partition
            The number of the partition of a table that has them.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(data_source_frame(source, offset, shape, partition))

    @operation
    async def close_stream(self) -> int:
        """Tell subscribers that this node gets no more data for now.

        Returns
        -------
        int
            The number of the frame.
        """
        return await self._send(FrameContent({"op": "close"}, b""))

    @operation
    async def close(self) -> None:
        """Wait until everything is acknowledged, and disconnect."""
        await self._call(self._driver.close)

    async def _send(self, frame: FrameContent) -> int:
        number: int = await self._call(self._driver.add, self._node, *frame)
        return number
