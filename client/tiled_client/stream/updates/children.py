"""Updates of containers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ...documents import Resource, read_data_sources, read_specs
from ...wire.data_sources import DataSource
from ...wire.specs import Spec
from ..protocol.messages import Map, Schema
from .base import Common, Update, builds


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerUpdate(Update):
    """A child of a container changed; `key` is its name there."""

    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildCreated(ContainerUpdate):
    """A child was created in a container.

    Examples
    --------
    >>> with client.updates(start=0) as updates:
    ...     update = next(updates)
    >>> update.key, update.structure_family, update.child()
    ('x', 'array', <ArrayClient '/.../x' shape=(3,) chunks=((3,)) dtype=int64>)
    """

    topic: ClassVar[str] = "child_created"

    structure_family: str
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    data_sources: tuple[DataSource, ...]
    access_tags: list[str]

    def child(self) -> Any:
        """Return the client object of the child, without a request to the server."""
        resource = Resource(
            family=self.structure_family,
            metadata=self.metadata,
            specs=self.specs,
            structure=self.data_sources[0].structure if self.data_sources else None,
            data_sources=self.data_sources,
            access_tags=self.access_tags,
        )
        return self.subscription.node.described((*self.path, self.key), resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildMetadataUpdated(ContainerUpdate):
    """Metadata or specs of a child changed; both are complete, in their present state.

    Examples
    --------
    >>> x.update_metadata({"color": "blue"})
    >>> with client.updates("latest") as updates:
    ...     next(updates).metadata
    {'color': 'blue'}
    """

    topic: ClassVar[str] = "child_metadata_updated"

    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    revision_number: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildDeleted(ContainerUpdate):
    """A child of a container was deleted, with all nodes below it.

    Examples
    --------
    >>> x.delete(external_only=False)
    >>> with client.updates(start=2) as updates:
    ...     next(updates).key
    'x'
    """

    topic: ClassVar[str] = "child_deleted"

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
def _metadata_updated(message: Map, _: Schema, common: Common) -> Update:
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
