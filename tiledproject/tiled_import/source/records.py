"""Nodes and data of Tiled, independent of their origin: a database or a server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from tiled_client.wire.data_sources import Asset


@dataclass(slots=True)
class SourceData:
    """A data source; `hashed` counts its assets with a checksum."""

    mimetype: str | None
    family: str
    structure: Any
    management: str
    parameters: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    assets: list[Asset] = field(default_factory=list)
    hashed: int = 0

    @property
    def external(self) -> bool:
        """Whether Tiled has only registered these files."""
        return self.management == "external"


@dataclass(slots=True)
class SourceRevision:
    """Metadata and specs before an update."""

    number: int
    metadata: Any
    specs: Any
    time: datetime


@dataclass(slots=True)
class SourceNode:
    """A node of Tiled; `keys` are those from the root to it. `identity` never changes."""

    identity: str
    keys: tuple[str, ...]
    family: str
    metadata: Any
    specs: Any
    time_created: datetime | None
    time_updated: datetime | None
    tags: list[str] = field(default_factory=list)
    sources: list[SourceData] = field(default_factory=list)
    revisions: list[SourceRevision] = field(default_factory=list)

    @property
    def path(self) -> str:
        """The path in Tiled, for reports."""
        return "/".join(self.keys)

    def belongs_to(self, only: tuple[str, ...]) -> bool:
        """Return whether the node is at the path `only`, below it, or a container above it."""
        return self.keys[: len(only)] == only[: len(self.keys)]


class NodeValues(Protocol):
    """The data of one node of Tiled, read in pieces. Each method raises NotImportable."""

    def array(self, region: tuple[slice, ...]) -> np.ndarray[Any, Any]:
        """Return a region of an array."""
        ...

    def tables(self, partition: int) -> Iterator[pa.Table]:
        """Yield the rows of one partition; none if it was never written."""
        ...

    def sparse_block(self, number: int, block: tuple[int, ...]) -> pa.Table | None:
        """Return coordinates and values of a block; None if it was never written."""
        ...

    def buffers(self) -> dict[str, bytes]:
        """Return the buffers of an awkward array; empty if it was never written."""
        ...

    def ragged_chunks(self) -> Iterator[tuple[int, Any]]:
        """Yield the chunks of a ragged array: number, and `awkward.Array`."""
        ...


class TiledSource(Protocol):
    """A catalog of Tiled."""

    def count(self) -> int | None:
        """Return the number of nodes, if it is known."""
        ...

    def batches(self) -> Iterator[list[SourceNode]]:
        """Yield all nodes but the root, parents before children."""
        ...

    def values(self, node: SourceNode, data: SourceData) -> NodeValues:
        """Return access to the data of a node."""
        ...
