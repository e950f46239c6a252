"""Updates of containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ...documents import Resource, read_data_sources, read_specs
from ...wire.data_sources import DataSource
from ...wire.specs import Spec
from ..protocol.messages import Map, Schema
from .base import Common, Update, builds

if TYPE_CHECKING:
    from ...nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCreated(Update):
    """A container has a new child.

    >>> with client.updates(start=0) as updates:
    ...     update = next(updates)
    >>> update.key, update.structure_family, update.child()
    ('x', 'array', <ArrayClient shape=(3,) chunks=((3,)) dtype=int64>)
    """

    topic: ClassVar[str] = "child_created"

    key: str
    structure_family: str
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    data_sources: tuple[DataSource, ...]
    access_tags: list[str]

    def child(self) -> Node:
        """The client object for the child, without asking the server."""
        resource = Resource(
            family=self.structure_family,
            metadata=self.metadata,
            specs=self.specs,
            structure=self.data_sources[0].structure if self.data_sources else None,
            data_sources=self.data_sources,
            access_tags=self.access_tags,
        )
        return self.subscription.node.described((*self.path, self.key), resource)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMetadataUpdated(Update):
    """Metadata or specs of a child changed; both are complete, as they are now.

    >>> x.update_metadata({"color": "blue"})
    >>> with client.updates("latest") as updates:
    ...     next(updates).metadata
    {'color': 'blue'}
    """

    topic: ClassVar[str] = "child_metadata_updated"

    key: str
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    revision_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildDeleted(Update):
    """A container's child is gone, with all that was below it.

    >>> x.delete(external_only=False)
    >>> with client.updates(start=2) as updates:
    ...     next(updates).key
    'x'
    """

    topic: ClassVar[str] = "child_deleted"

    key: str
    structure_family: str


@builds("container-child-created")
def _created(message: Map, _: Schema, common: Common) -> Update:
    return ChildCreated(
        **common,
        key=message["key"],
        structure_family=message["structure_family"],
        metadata=message["metadata"],
        specs=read_specs(message["specs"]),
        data_sources=read_data_sources(message["data_sources"]) or (),
        access_tags=message.get("access_tags") or [],
    )


@builds("container-child-metadata-updated")
def _metadata(message: Map, _: Schema, common: Common) -> Update:
    return ChildMetadataUpdated(
        **common,
        key=message["key"],
        metadata=message["metadata"],
        specs=read_specs(message["specs"]),
        revision_number=message.get("revision_number"),
    )


@builds("container-child-deleted")
def _deleted(message: Map, _: Schema, common: Common) -> Update:
    return ChildDeleted(**common, key=message["key"], structure_family=message["structure_family"])
