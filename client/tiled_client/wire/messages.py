"""What a stream says: a schema first, then updates.

Each class holds what one kind of update says of itself; its field names are the wire's keys, in
the wire's order. What every update carries besides (`type`, `sequence`, `timestamp`, `epoch`,
`payload`) is added where the update is numbered.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from .dtypes import DType
from .structures import ArrayStructure, Structure


class Message:
    """An update, before it has a number."""

    type: ClassVar[str]

    def to_map(self) -> dict[str, Any]:
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

    def to_map(self) -> dict[str, Any]:
        """The wire's keys and values; without a revision, the key is absent."""
        values: dict[str, Any] = {"key": self.key, "specs": self.specs, "metadata": self.metadata}
        if self.revision_number is not None:
            values["revision_number"] = self.revision_number
        return values


def schema_message(structure: Structure | None) -> dict[str, Any]:
    """The first message of every stream; a container has no structure."""
    if structure is None:
        return {"type": "container-schema", "version": 1}
    if isinstance(structure, ArrayStructure):
        data_type: DType = structure.data_type
        return {"type": "array-schema", "version": 1, "data_type": data_type.to_json()}
    return {"type": "table-schema", "version": 1, "arrow_schema": structure.arrow_schema}
