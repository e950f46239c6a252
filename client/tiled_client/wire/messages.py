"""Messages of a stream: a schema first, then updates.

Each class has the fields of one kind of update, with the names and the order of the protocol. The
fields that all updates have (`type`, `sequence`, `timestamp`, `epoch`, `payload`) are added when
the update gets its sequence number.
Source: docs/reference/tiled-protocol/streaming.md.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from .awkward import AwkwardStructure
from .bytes_structure import BytesStructure
from .encodings import PayloadEncoding
from .ragged import RaggedStructure
from .sparse import SparseStructure
from .structures import ArrayStructure, Structure, TableStructure


class Message:
    """Base class of updates, before they have a sequence number."""

    type: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values, in the order of the protocol."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class ArrayData(Message):
    """Data of an array: all (`offset` and `block` None), a block, or a patch at `offset`.

    `encoding` is that of the payload.
    """

    type: ClassVar[str] = "array-data"
    mimetype: str
    shape: tuple[int, ...]
    offset: tuple[int, ...] | None = None
    block: tuple[int, ...] | None = None
    persisted: bool = True
    encoding: PayloadEncoding = PayloadEncoding.identity

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values; `persisted` is absent for stored data.

        `encoding` is absent for a payload that is not compressed.
        """
        values = _unless_persisted(Message.to_dict(self))
        if self.encoding is PayloadEncoding.identity:
            del values["encoding"]
        return values


@dataclass(frozen=True, slots=True)
class ArrayRef(Message):
    """A link to new data of an external array. `patch` is `{offset, shape}` or None."""

    type: ClassVar[str] = "array-ref"
    data_source: dict[str, Any]
    patch: dict[str, tuple[int, ...]] | None
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TableData(Message):
    """Rows of a table, as an Arrow IPC file. `partition` is None for the whole table.

    `rows` is `{offset, count}`, counted in the whole table, also if `partition` is not None; None
    if the rows are not stored.
    """

    type: ClassVar[str] = "table-data"
    mimetype: str
    partition: int | None = None
    append: bool = False
    persisted: bool = True
    rows: dict[str, int] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values; `persisted` is absent for stored data, `rows` for others."""
        values = _unless_persisted(Message.to_dict(self))
        if self.rows is None:
            del values["rows"]
        return values


@dataclass(frozen=True, slots=True)
class TableRef(Message):
    """A link to new rows of an external table; sent to clients with the feature `table-ref`.

    `rows` is `{offset, count}`, counted in the partition, or in the whole table if `partition` is
    None; if `rows` is None, any row may be new.
    """

    type: ClassVar[str] = "table-ref"
    data_source: dict[str, Any]
    partition: int | None
    append: bool
    rows: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class RaggedData(Message):
    """Rows of a ragged array: all, a block, or a patch of `shape[0]` rows at `offset`.

    For all rows and for a block, `shape` is that of the whole array, with None for dimensions that
    vary.
    """

    type: ClassVar[str] = "ragged-data"
    mimetype: str
    shape: tuple[int | None, ...]
    offset: tuple[int, ...] | None = None
    block: tuple[int, ...] | None = None
    persisted: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values; `persisted` is absent for stored data."""
        return _unless_persisted(Message.to_dict(self))


@dataclass(frozen=True, slots=True)
class AwkwardData(Message):
    """All buffers of an awkward array of `length` items, as a ZIP file; the schema has the form."""

    type: ClassVar[str] = "awkward-data"
    mimetype: str
    length: int
    persisted: bool = True

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values; `persisted` is absent for stored data."""
        return _unless_persisted(Message.to_dict(self))


@dataclass(frozen=True, slots=True)
class ChildCreated(Message):
    """A container has a new child."""

    type: ClassVar[str] = "container-child-created"
    key: str
    structure_family: str
    specs: list[dict[str, Any]]
    metadata: dict[str, Any]
    data_sources: list[dict[str, Any]]
    access_tags: list[str]


@dataclass(frozen=True, slots=True)
class ChildMetadataUpdated(Message):
    """The metadata or specs of a container's child changed; both are complete."""

    type: ClassVar[str] = "container-child-metadata-updated"
    key: str
    specs: list[dict[str, Any]]
    metadata: dict[str, Any]
    revision_number: int | None = None
    access_tags: list[str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values; fields that are None are absent."""
        values: dict[str, Any] = {"key": self.key, "specs": self.specs, "metadata": self.metadata}
        if self.revision_number is not None:
            values["revision_number"] = self.revision_number
        if self.access_tags is not None:
            values["access_tags"] = self.access_tags
        return values


@dataclass(frozen=True, slots=True)
class ChildDeleted(Message):
    """A container's child was deleted; sent to clients with the feature `child-deleted`."""

    type: ClassVar[str] = "container-child-deleted"
    key: str
    structure_family: str
    access_tags: list[str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the keys and values; `access_tags` are absent if None."""
        values = Message.to_dict(self)
        if self.access_tags is None:
            del values["access_tags"]
        return values


def _unless_persisted(values: dict[str, Any]) -> dict[str, Any]:
    if values["persisted"]:
        del values["persisted"]
    return values


def schema_message(structure: Structure | None) -> dict[str, Any]:
    """Return the first message of a stream; a container has no structure."""
    if structure is None:
        return {"type": "container-schema", "version": 1}
    match structure:
        case TableStructure():
            content: dict[str, Any] = {"arrow_schema": structure.arrow_schema}
        case AwkwardStructure():
            content = {"form": structure.form}
        case BytesStructure():
            content = {}
        case _:
            content = {"data_type": structure.data_type.to_json()}
    return {"type": f"{_SCHEMAS[type(structure)]}-schema", "version": 1, **content}


# Streams of sparse arrays have the messages of arrays, with another payload.
_SCHEMAS: dict[type[Structure], str] = {
    ArrayStructure: "array",
    SparseStructure: "array",
    BytesStructure: "bytes",
    TableStructure: "table",
    RaggedStructure: "ragged",
    AwkwardStructure: "awkward",
}
