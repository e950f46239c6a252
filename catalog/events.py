"""Domain events of the catalog: one Django signal for each kind.

The catalog does not know its listeners. An event is recorded within the transaction of its change,
so that listeners can store their work with it (a transactional outbox). It is announced after the
commit, while the lock of its node is still held: the order of announcements is the order of
storage. A listener's exception propagates to the caller that made the change.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.dispatch import Signal

from core.metrics.families import add_to_both
from tiled_client.wire.encodings import PayloadEncoding
from tiled_client.wire.structure_family import StructureFamily

from .metrics import WRITES, WRITTEN_BYTES
from .node_refs import NodeRef


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to `node`.

    `token` names an update that is not stored, or an end of stream: it is streamed once, however
    often its request arrives. It is empty where the request has no key.
    """

    node: NodeRef
    token: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class ArrayWritten(Event):
    """An array was written: whole, one `block`, or a patch at `offset`.

    `payload` is the request's body: C-order bytes of the node's dtype, of shape `shape`; or of a
    sparse array, an Arrow IPC file of coordinates and values. C-order bytes may be encoded as
    `encoding` says. Nothing was stored unless `persisted`. It is recorded under the token
    `recorded_as`, if that is given.
    """

    mimetype: str
    shape: tuple[int, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    payload: bytes | memoryview
    persisted: bool
    recorded_as: str = ""
    encoding: PayloadEncoding = PayloadEncoding.identity


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

    `payload` is an Arrow IPC file. Nothing was stored unless `persisted`; else `rows`
    (`{offset, count}`) says which rows of the whole table these are.
    """

    mimetype: str
    partition: int | None
    append: bool
    payload: bytes | memoryview
    persisted: bool
    rows: dict[str, int] | None = None


@dataclass(frozen=True, slots=True)
class WriteBatch(Event):
    """Writes to `node` that were stored in one transaction, in their order.

    The last one is recorded under the token `recorded_as`, if that is given. `on_streamed` is
    called with the epoch and the sequence that the last one has in the node's stream, if the writes
    are streamed before they are announced.
    """

    writes: tuple[ArrayWritten | TableWritten, ...]
    recorded_as: str = ""
    on_streamed: Callable[[str, int], None] | None = None


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

    `access_tags` are those of the child; None if permissions do not depend on nodes.
    """

    key: str
    specs: list[dict[str, Any]]
    metadata: dict[str, Any]
    revision_number: int | None
    access_tags: list[str] | None = None


@dataclass(frozen=True, slots=True)
class ChildDeleted(Event):
    """The container `node` no longer has the child `key`, nor anything that was below it.

    `access_tags` are those that the child had; None if permissions do not depend on nodes.
    """

    key: str
    structure_family: StructureFamily
    access_tags: list[str] | None = None


@dataclass(frozen=True, slots=True)
class NodeDeleted(Event):
    """`node` was deleted, and all nodes `below` it, the deepest first."""

    below: tuple[NodeRef, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamClosed(Event):
    """The producer of `node` said that no more is to be expected for now."""


array_written = Signal()
ragged_written = Signal()
awkward_written = Signal()
table_written = Signal()
batch_written = Signal()
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
    WriteBatch: batch_written,
    DataSourceUpdated: data_source_updated,
    TableSourceUpdated: table_source_updated,
    ChildCreated: child_created,
    ChildMetadataUpdated: child_metadata_updated,
    ChildDeleted: child_deleted,
    NodeDeleted: node_deleted,
    StreamClosed: stream_closed,
}


_STORED_FAMILIES: dict[type[Event], str] = {
    ArrayWritten: "array",
    AwkwardWritten: "awkward",
    RaggedWritten: "ragged",
    TableWritten: "table",
}


class Note(Protocol):
    """A listener's record of an event, stored within the transaction of the change."""

    def is_stored(self) -> bool:
        """Return whether that transaction was committed. Raises Unavailable if it cannot say."""
        ...


# Sent within the transaction of a change, with its `event`: listeners return a Note or None.
recording = Signal()
# Sent to query whether the event of `node` that was recorded under `token` is still unannounced:
# listeners return True or False.
asked = Signal()
# Sent when a request repeats an earlier one, with the `node` that may have unannounced events.
repeated = Signal()


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that was recorded within the transaction of its change."""

    event: Event
    notes: tuple[Note, ...]


def record(event: Event) -> Recorded:
    """Let listeners record `event`. Call it within the transaction of the change."""
    answers: list[Any] = recording.send(sender=type(event), event=event)
    return Recorded(event, tuple(note for _, note in answers if note is not None))


def is_recorded(node: uuid.UUID, token: str) -> bool:
    """Return whether an event of `node` was recorded under `token`, and not announced yet."""
    return any(answer for _, answer in asked.send(sender=Note, node=node, token=token))


def announce(event: Event | Recorded) -> None:
    """Send an event to its listeners; their exceptions propagate.

    Pass the Recorded of a persisted change, or the event itself if nothing was stored.
    """
    found = event if isinstance(event, Recorded) else Recorded(event, ())
    kind = type(found.event)
    writes = found.event.writes if isinstance(found.event, WriteBatch) else (found.event,)
    for event in writes:
        if type(event) in _STORED_FAMILIES:
            _count_stored(event, _STORED_FAMILIES[type(event)])
    _SIGNALS[kind].send(sender=kind, event=found.event, notes=found.notes)


def _count_stored(event: Any, family: str) -> None:
    if event.persisted:
        add_to_both(WRITES.labels(family), WRITTEN_BYTES.labels(family), len(event.payload))


def announce_left(node: NodeRef) -> None:
    """Announce the events of `node` that an interrupted request has recorded but not announced.

    Call it under the lock of the node, when a request is answered from stored data.
    """
    repeated.send(sender=NodeRef, node=node)
