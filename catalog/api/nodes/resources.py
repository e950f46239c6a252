"""The resource document of a node.

Source: docs/reference/tiled-protocol/http.md,
"`GET V/metadata/{path}` and the node resource document".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rest_framework.request import Request

from core.errors import Invalid
from core.http.requests import flag, integer
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily

from ...lookup.embedded import EmbeddedNode, UnreadableEntry, group_of
from ...models import Node
from ...permissions.node_permissions import own_tags
from ...services.tables.columns import Column
from ...storage.errors import StorageError
from ..client_versions import knows_sizes, sources_of
from .embedded_structure import group_structure
from .links import node_links, self_link
from .metadata_selection import MetadataSelection

FIELDS = frozenset(
    {
        "metadata",
        "structure_family",
        "structure",
        "count",
        "sorting",
        "specs",
        "data_sources",
        "access_tags",
    }
)
MAX_DEPTH = 5


@dataclass(frozen=True, slots=True)
class ResourceOptions:
    """The parts of a resource that a request selects, by its query parameters."""

    fields: frozenset[str]
    data_sources: bool
    links: bool
    select_metadata: MetadataSelection | None
    data_links: bool = True
    depth: int = MAX_DEPTH
    of_files: bool = True
    sizes: bool = True

    @classmethod
    def from_request(cls, request: Request, *, depth_checked: bool = False) -> ResourceOptions:
        """Read the query parameters. Raises Invalid and BadRequest.

        With `depth_checked`, `max_depth` is the depth of a search and not read here.
        """
        names = frozenset(request.query_params.getlist("fields"))
        unknown = sorted(names - FIELDS - {""})
        if unknown:
            raise Invalid(
                f"Unknown field {unknown[0]!r}: fields are {', '.join(sorted(FIELDS))}, or an "
                "empty text for none."
            )
        depth = None if depth_checked else integer(request, "max_depth", high=MAX_DEPTH)
        return cls(
            fields=(names - {""}) if names else FIELDS,
            data_sources=flag(request, "include_data_sources", False),
            links=not flag(request, "omit_links", False),
            select_metadata=_compiled(request.query_params.get("select_metadata")),
            depth=MAX_DEPTH if depth is None else depth,
            sizes=knows_sizes(request),
        )

    @property
    def listed(self) -> ResourceOptions:
        """Return the options for the items of a listing, whose contents are never inlined.

        A listing of keys only has no links to data either.
        """
        return replace(self, data_links=bool(self.fields), depth=0)


def node_resource(
    base: str,
    node: Node | EmbeddedNode | Column,
    options: ResourceOptions,
    counts: Mapping[int, int],
) -> dict[str, Any]:
    """Return the resource of `node`; `counts` has the number of children by the id of a container.

    If the file of a container cannot be read, `meta` has the problem.
    """
    attributes, problem = _attributes(base, node, options, counts)
    return {
        "id": node.key,
        "attributes": attributes,
        "links": _links(base, node, options),
        "meta": None if problem is None else {"problem": problem},
    }


def listed_resource(
    base: str,
    node: Node | EmbeddedNode | UnreadableEntry | Column,
    options: ResourceOptions,
    counts: Mapping[int, int],
) -> dict[str, Any]:
    """Return the resource of `node` in a listing, also if the node cannot be described.

    Such a node is represented as an empty container, which every client accepts, with the problem
    in `meta`.
    """
    if isinstance(node, UnreadableEntry):
        return _unreadable(base, node, options, str(node.problem))
    try:
        return node_resource(base, node, options, counts)
    except (WireError, StorageError) as error:
        return _unreadable(base, node, options, str(error))


def _unreadable(
    base: str,
    node: Node | EmbeddedNode | UnreadableEntry | Column,
    options: ResourceOptions,
    problem: str,
) -> dict[str, Any]:
    attributes = {
        "ancestors": node.segments[:-1],
        "metadata": _metadata(node, options) if "metadata" in options.fields else None,
        "structure_family": StructureFamily.container.value,
        "specs": [],
        "structure": {"contents": None, "count": 0},
        "sorting": [],
        "access_tags": None,
        "data_sources": [] if options.data_sources else None,
    }
    family = StructureFamily.container
    links = node_links(base, node.path, family, None) if options.links else None
    return {"id": node.key, "attributes": attributes, "links": links, "meta": {"problem": problem}}


def _links(
    base: str, node: Node | EmbeddedNode | Column, options: ResourceOptions
) -> dict[str, str] | None:
    if not options.links:
        return None
    if not options.data_links:
        return {"self": self_link(base, node.path)}
    return node_links(base, node.path, node.family, node.structure)


def _attributes(
    base: str,
    node: Node | EmbeddedNode | Column,
    options: ResourceOptions,
    counts: Mapping[int, int],
) -> tuple[dict[str, Any], str | None]:
    structure, problem = _structure(base, node, options, counts)
    container = node.family is StructureFamily.container
    chosen = {
        "metadata": _metadata(node, options) if "metadata" in options.fields else None,
        "structure_family": (
            node.family.value if container or "structure_family" in options.fields else None
        ),
        "specs": node.specs if "specs" in options.fields else None,
        "structure": structure,
        "sorting": (
            [{"key": "", "direction": 1}] if container and "sorting" in options.fields else None
        ),
        "access_tags": (
            own_tags(node.tag_path_id)
            if isinstance(node, Node) and "access_tags" in options.fields
            else None
        ),
        "data_sources": None,
    }
    if options.data_sources:
        chosen["data_sources"] = sources_of(node, sizes=options.sizes)
    return {"ancestors": node.segments[:-1], **chosen}, problem


def _metadata(
    node: Node | EmbeddedNode | UnreadableEntry | Column, options: ResourceOptions
) -> Any:
    if options.select_metadata is None:
        return node.metadata
    return {"selected": options.select_metadata.of(node.metadata)}


def _structure(
    base: str,
    node: Node | EmbeddedNode | Column,
    options: ResourceOptions,
    counts: Mapping[int, int],
) -> tuple[Any, str | None]:
    """Return the structure of `node`, and the problem if it cannot be read."""
    if node.family is StructureFamily.container:
        wanted = {"structure", "count"} & options.fields
        if wanted and options.of_files and (group := group_of(node)):
            inner = replace(options, of_files=False)
            depth = options.depth if "structure" in options.fields else 0
            return group_structure(group, depth, lambda one: node_resource(base, one, inner, {}))
        empty = {"contents": None, "count": counts.get(node.pk or 0, 0)}
        return empty if wanted else None, None
    if "structure" not in options.fields or node.structure is None:
        return None, None
    return node.structure.to_json(), None


def _compiled(expression: str | None) -> MetadataSelection | None:
    return None if expression is None else MetadataSelection(expression)
