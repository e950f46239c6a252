"""What a stream says: a schema first, then updates.

Each class holds what one kind of update says of itself; its field names are the wire's keys, in
the wire's order. What every update carries besides (`type`, `sequence`, `timestamp`, `epoch`,
`payload`) is added where the update is numbered.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from .awkward import AwkwardStructure
from .bytes_structure import BytesStructure
from .ragged import RaggedStructure
from .sparse import SparseStructure
from .structures import ArrayStructure, Structure, TableStructure


class Message:
    """An update, before it has a number."""

    type: ClassVar[str]

    def to_dict(self) -> dict[str, Any]:
        """The wire's keys and values, in the wire's order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class ArrayData(Message):
    """Numbers of an array: all (`offset` and `block` None), a block, or a patch at `offset`."""

    type: ClassVar[str] = "array-data"
    mimetype: str
    shape: tuple[int, ...]
    offset: tuple[int, ...] | None = None
    block: tuple[int, ...] | None = None
    persisted: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The wire's keys and values; of what was stored, `persisted` is absent."""
        return _unless_persisted(Message.to_dict(self))


@dataclass(frozen=True, slots=True)
class ArrayRef(Message):
    """Where new numbers of an external array can be read. `patch` is `{offset, shape}` or None."""

    type: ClassVar[str] = "array-ref"
    data_source: dict[str, Any]
    patch: dict[str, tuple[int, ...]] | None
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TableData(Message):
    """Rows of a table, as an Arrow IPC file. `partition` is None for the whole table."""

    type: ClassVar[str] = "table-data"
    mimetype: str
    partition: int | None = None
    append: bool = False
    persisted: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The wire's keys and values; of what was stored, `persisted` is absent."""
        return _unless_persisted(Message.to_dict(self))


@dataclass(frozen=True, slots=True)
class TableRef(Message):
    """Where new rows of an external table can be read; told with the feature `table-ref`.

    `rows` is `{offset, count}`, counted in the partition, or in the whole table if `partition` is
    None; if `rows` is None, anything may be new.
    """

    type: ClassVar[str] = "table-ref"
    data_source: dict[str, Any]
    partition: int | None
    append: bool
    rows: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class RaggedData(Message):
    """Rows of a ragged array: all, a block, or a patch of `shape[0]` rows at `offset`. Of all rows
    and of a block, `shape` is that of the whole array, with null for what varies.
    """

    type: ClassVar[str] = "ragged-data"
    mimetype: str
    shape: tuple[int | None, ...]
    offset: tuple[int, ...] | None = None
    block: tuple[int, ...] | None = None
    persisted: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The wire's keys and values; of what was stored, `persisted` is absent."""
        return _unless_persisted(Message.to_dict(self))


@dataclass(frozen=True, slots=True)
class AwkwardData(Message):
    """All buffers of an awkward array of `length` items, as a ZIP file; the schema has the form."""

    type: ClassVar[str] = "awkward-data"
    mimetype: str
    length: int
    persisted: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The wire's keys and values; of what was stored, `persisted` is absent."""
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
        """The wire's keys and values; without a revision, or rights per node, these are absent."""
        values: dict[str, Any] = {"key": self.key, "specs": self.specs, "metadata": self.metadata}
        if self.revision_number is not None:
            values["revision_number"] = self.revision_number
        if self.access_tags is not None:
            values["access_tags"] = self.access_tags
        return values


@dataclass(frozen=True, slots=True)
class ChildDeleted(Message):
    """A container's child is gone, with all below it; told with the feature `child-deleted`."""

    type: ClassVar[str] = "container-child-deleted"
    key: str
    structure_family: str
    access_tags: list[str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The wire's keys and values; without rights per node, the tags are absent."""
        values = Message.to_dict(self)
        if self.access_tags is None:
            del values["access_tags"]
        return values


def _unless_persisted(values: dict[str, Any]) -> dict[str, Any]:
    if values["persisted"]:
        del values["persisted"]
    return values


def schema_message(structure: Structure | None) -> dict[str, Any]:
    """The first message of every stream; a container has no structure."""
    if structure is None:
        return {"type": "container-schema", "version": 1}
    match structure:
        case TableStructure():
            said: dict[str, Any] = {"arrow_schema": structure.arrow_schema}
        case AwkwardStructure():
            said = {"form": structure.form}
        case BytesStructure():
            said = {}
        case _:
            said = {"data_type": structure.data_type.to_json()}
    return {"type": f"{_SCHEMAS[type(structure)]}-schema", "version": 1, **said}


# What is sent on the stream of a sparse array is read as that of an array.
_SCHEMAS: dict[type[Structure], str] = {
    ArrayStructure: "array",
    SparseStructure: "array",
    BytesStructure: "bytes",
    TableStructure: "table",
    RaggedStructure: "ragged",
    AwkwardStructure: "awkward",
}
