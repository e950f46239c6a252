"""What the catalog announces: one Django signal for each thing that happened.

The catalog does not know who listens. An event is announced after its change is committed, while
the lock of the node it is about is still held, so that the order of announcements is the order of
storage. A listener's exception reaches whoever made the change.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.dispatch import Signal

from tiled_client.wire.families import StructureFamily


@dataclass(frozen=True, slots=True)
class NodeRef:
    """Which node: `uuid` for ever its own, `path` as it is reached (empty for the root)."""

    uuid: uuid.UUID
    path: str
    structure_family: StructureFamily


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to `node`."""

    node: NodeRef


@dataclass(frozen=True, slots=True)
class ArrayWritten(Event):
    """An array was written: whole, one `block`, or a patch at `offset`.

    `payload` is the request's body: C-order bytes of the node's dtype, of shape `shape`; or of a
    sparse array, an Arrow IPC file of coordinates and values. Nothing was stored unless
    `persisted`.
    """

    mimetype: str
    shape: tuple[int, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    payload: bytes | memoryview
    persisted: bool


@dataclass(frozen=True, slots=True)
class RaggedWritten(Event):
    """A ragged array was written: whole, one `block` of rows, or a patch at `offset`.

    `payload` is the request's body, of type `mimetype`. Nothing was stored unless `persisted`.
    """

    mimetype: str
    shape: tuple[int | None, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    payload: bytes
    persisted: bool


@dataclass(frozen=True, slots=True)
class AwkwardWritten(Event):
    """An awkward array of `length` items was written whole.

    `payload` is a ZIP file of its buffers. Nothing was stored unless `persisted`.
    """

    mimetype: str
    length: int
    payload: bytes
    persisted: bool


@dataclass(frozen=True, slots=True)
class TableWritten(Event):
    """A table was written whole (`partition` None) or one partition of it, or rows were appended.

    `payload` is an Arrow IPC file. Nothing was stored unless `persisted`.
    """

    mimetype: str
    partition: int | None
    append: bool
    payload: bytes | memoryview
    persisted: bool


@dataclass(frozen=True, slots=True)
class DataSourceUpdated(Event):
    """An external array has new data: in the region of `patch` (`{offset, shape}`), or anywhere.

    `data_source` is the wire's form; `shape` the whole new shape.
    """

    data_source: dict[str, Any]
    patch: dict[str, tuple[int, ...]] | None
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TableSourceUpdated(Event):
    """An external table has new rows: those of `rows` (`{offset, count}`), or anywhere.

    They are counted in the `partition`, or in the whole table if that is None. `data_source` is
    the wire's form.
    """

    data_source: dict[str, Any]
    partition: int | None
    rows: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class ChildCreated(Event):
    """The container `node` has a new child; all in the wire's form."""

    key: str
    structure_family: StructureFamily
    specs: list[dict[str, Any]]
    metadata: dict[str, Any]
    data_sources: list[dict[str, Any]]
    access_tags: list[str]


@dataclass(frozen=True, slots=True)
class ChildMetadataUpdated(Event):
    """The metadata or specs of a child of the container `node` changed; both are complete.

    `access_tags` are those of the child; None where nodes have no rights of their own.
    """

    key: str
    specs: list[dict[str, Any]]
    metadata: dict[str, Any]
    revision_number: int | None
    access_tags: list[str] | None = None


@dataclass(frozen=True, slots=True)
class ChildDeleted(Event):
    """The container `node` no longer has the child `key`, nor anything that was below it.

    `access_tags` are those that the child had; None where nodes have no rights of their own.
    """

    key: str
    structure_family: StructureFamily
    access_tags: list[str] | None = None


@dataclass(frozen=True, slots=True)
class NodeDeleted(Event):
    """`node` is gone, and with it all that were `below` it, whoever was further down first."""

    below: tuple[NodeRef, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamClosed(Event):
    """The producer of `node` said that no more is to be expected for now."""


array_written = Signal()
ragged_written = Signal()
awkward_written = Signal()
table_written = Signal()
data_source_updated = Signal()
table_source_updated = Signal()
child_created = Signal()
child_metadata_updated = Signal()
child_deleted = Signal()
node_deleted = Signal()
stream_closed = Signal()

_SIGNALS: dict[type[Event], Signal] = {
    ArrayWritten: array_written,
    RaggedWritten: ragged_written,
    AwkwardWritten: awkward_written,
    TableWritten: table_written,
    DataSourceUpdated: data_source_updated,
    TableSourceUpdated: table_source_updated,
    ChildCreated: child_created,
    ChildMetadataUpdated: child_metadata_updated,
    ChildDeleted: child_deleted,
    NodeDeleted: node_deleted,
    StreamClosed: stream_closed,
}


def announce(event: Event) -> None:
    """Tell whoever listens to this kind of event; their exceptions are raised here."""
    _SIGNALS[type(event)].send(sender=type(event), event=event)
