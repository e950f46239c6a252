"""Decide what a principal may do on a node, by its tags and those of its ancestors.

| node | visible to | scopes on it |
| --- | --- | --- |
| any | principals that bypass tags | all scopes of nodes |
| the root, without tags | all | all scopes of nodes (limited by the credentials) |
| the root, with tags | all | what its tags grant, and `read:metadata` |
| without tags, and with no tag above it | only principals that bypass tags | none |
| with tags | principals with `read:metadata` by the tags of every tagged ancestor and its own \
| what its own tags grant |

A hidden node cannot be distinguished from one that does not exist: same error, same number of
queries. `access.permissions` gives the `Permissions` of a principal; this module decides with them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Length

from access.permissions.tag_permissions import (
    NODE_SCOPES,
    Permissions,
    Version,
    bypasses_tags,
    current_version,
    permissions_for,
    tags_enabled,
    version_of,
)
from access.principals import Principal, Scope
from core.errors import Forbidden
from core.versioned_cache import Snapshot, VersionedCache
from tiled_client.wire.structure_family import StructureFamily

from ..lookup.nodes import no_such_entry, split_path
from ..models import PATH_BYTES, Node, TagPath

VIEW_SCOPE = Scope.read_metadata
# One query per request: the version of all permissions is one row.
TAG_PATH_AND_VERSION = (
    "SELECT n.tag_path_id, s.epoch, s.number FROM catalog_node n "
    "LEFT JOIN access_rightsstate s ON TRUE WHERE n.path = %s"
)
MAX_CACHED_DECISIONS = 1024

Lists = tuple[tuple[str, ...], ...]
"""The tags of each tagged node on the way to a node, its own last."""
TagPaths = Mapping[int, Lists]
"""Tag paths by their primary key."""


def current_permissions(principal: Principal) -> Permissions:
    """Return the current permissions of `principal`."""
    return permissions_for(principal, current_version())


def check_node(path: str, principal: Principal, *scopes: Scope) -> None:
    """Raise NotFound if `principal` may not see the node at `path`, Forbidden without `scopes`.

    A path inside a file or a table is checked by the node that holds the data.
    """
    if not is_tag_restricted(principal):
        return
    segments = split_path(path)
    joined = "/".join(segments)
    found = _find_node(joined)
    if found is None:
        # The same work as for a hidden node, so that the response time does not tell them apart.
        version = current_version()
        permissions_for(principal, version)
        _tag_paths.at(version)
        raise no_such_entry(segments)
    tag_path, is_root, version, embedded = found
    held = scopes_on(tag_path, permissions_for(principal, version), version, is_root=is_root)
    if VIEW_SCOPE not in held:
        if not embedded:
            # The same queries as for a missing node.
            _find_ancestor(joined)
            current_version()
        raise no_such_entry(segments)
    if not held.issuperset(scopes):
        needed, has = [[str(scope) for scope in group] for group in (scopes, sorted(held))]
        raise Forbidden(
            "Not enough permissions to perform this action on this node. "
            f"Requires scopes {needed}. Principal had scopes {has} on this node."
        )


def is_tag_restricted(principal: Principal) -> bool:
    """Return whether tags restrict `principal`; without a query."""
    return tags_enabled() and not (bypasses_tags(principal) and principal.access_tags is None)


def scopes_on(
    tag_path: int | None,
    permissions: Permissions,
    version: Version | None,
    *,
    is_root: bool = False,
) -> frozenset[Scope]:
    """Return the scopes that `permissions` grant on a node: none on a hidden one."""
    if permissions.bypasses_tags:
        return NODE_SCOPES
    if is_root:
        return (
            NODE_SCOPES
            if tag_path is None
            else permissions.scopes_for_tags(_own(tag_path, version)) | {VIEW_SCOPE}
        )
    if tag_path is None:
        return frozenset()
    return _scopes(_lists(tag_path, version), permissions)


def allowed_tag_paths(principal: Principal, scopes: Collection[Scope]) -> Sequence[int] | None:
    """Return the tag paths of all nodes on which `principal` has `scopes`; None for all nodes."""
    if not is_tag_restricted(principal):
        return None
    version = current_version()
    permissions, snapshot = permissions_for(principal, version), _tag_paths.at(version)
    needed = frozenset((VIEW_SCOPE, *scopes))
    return snapshot.derive(
        (permissions, needed),
        lambda: tuple(
            pk for pk, lists in snapshot.data.items() if _scopes(lists, permissions) >= needed
        ),
    )


def batch_check_nodes(pairs: Sequence[tuple[UUID, Principal]], *scopes: Scope) -> list[bool]:
    """Return for each pair of a node's UUID and a principal whether it has `scopes` on the node.

    True for a node that no longer exists.
    """
    nodes = Node.objects.filter(uuid__in={node for node, _ in pairs})
    rows = nodes.values_list("uuid", "tag_path", "path")
    places = {uuid: (tag_path, not path) for uuid, tag_path, path in rows}
    version = current_version()
    return [
        node not in places
        or scopes_on(
            places[node][0], permissions_for(principal, version), version, is_root=places[node][1]
        ).issuperset(scopes)
        for node, principal in pairs
    ]


def batch_check_children(
    container: UUID, children: Sequence[tuple[str, Sequence[str]]], principal: Principal
) -> list[bool]:
    """Return for each child of a visible container whether `principal` may see it.

    Each child is a key with the tags that it had at the time of its update. It is visible if those
    tags allow it, and also the current tags of the child with that key, if there is one.
    """
    keys = {key for key, _ in children}
    nodes = Node.objects.filter(parent__uuid=container, key__in=keys)
    now = dict(nodes.values_list("key", "tag_path"))
    version = current_version()
    permissions = permissions_for(principal, version)
    return [
        VIEW_SCOPE in permissions.scopes_for_tags(tags)
        and (key not in now or VIEW_SCOPE in scopes_on(now[key], permissions, version))
        for key, tags in children
    ]


def tag_path_lists(tag_path: int) -> Lists:
    """Return the tags of each tagged node on the way to nodes with this tag path, own last."""
    # A tag path never changes, so one of an older version is as good.
    known = _tag_paths.latest.data.get(tag_path)
    if known is not None:
        return known
    if connection.in_atomic_block:
        return _read(TagPath.objects.filter(pk=tag_path)).get(tag_path, ())
    return _lists(tag_path, current_version())


def own_tags(tag_path: int | None) -> list[str]:
    """Return the tags of a node itself, sorted."""
    if tag_path is None:
        return []
    lists = tag_path_lists(tag_path)
    return list(lists[-1]) if lists else []


def tag_paths_with(tags: Iterable[str]) -> list[int]:
    """Return the tag paths of nodes that have one of `tags` themselves."""
    wanted = frozenset(tags)
    return [
        pk for pk, lists in _tag_paths.at(current_version()).data.items() if wanted & set(lists[-1])
    ]


def _find_node(path: str) -> tuple[int | None, bool, Version | None, bool] | None:
    """Return tag path, is-root, version and is-embedded of the node at `path`, or None.

    An embedded node, inside the data of an ancestor, has the tag path of that ancestor.
    """
    if "\0" in path:
        return None
    with connection.cursor() as cursor:
        cursor.execute(TAG_PATH_AND_VERSION, [path])
        row = cursor.fetchone()
    if row is None:
        ancestor = _find_ancestor(path)
        return ancestor and (*ancestor, True)
    tag_path, epoch, number = row
    return tag_path, not path, None if epoch is None else version_of(epoch, number), False


def _find_ancestor(path: str) -> tuple[int | None, bool, Version | None] | None:
    ancestors = [path[:end] for end, character in enumerate(path) if character == "/"]
    nodes = Node.objects.filter(path__in=[p for p in ancestors if len(p.encode()) <= PATH_BYTES])
    found = nodes.order_by(Length("path").desc()).values_list(
        "tag_path", "structure_family", "data_source"
    )
    nearest = found.first()
    if nearest is None or (nearest[1] == StructureFamily.container and nearest[2] is None):
        return None
    return nearest[0], False, current_version()


def _load(known: Snapshot[Version, TagPaths], version: Version | None) -> TagPaths:
    """Read all tag paths, or only those added since the `known` version of the same database."""
    if version is None or known.version is None:
        return _all()
    if known.version[0] != version[0] or known.version[1] > version[1]:
        return _all()
    new = TagPath.objects.filter(pk__gt=max(known.data, default=0))
    return {**known.data, **_read(new)}


def _all() -> dict[int, Lists]:
    return _read(TagPath.objects.all())


def _read(rows: QuerySet[TagPath]) -> dict[int, Lists]:
    return {
        pk: tuple(tuple(tags) for tags in lists) for pk, lists in rows.values_list("pk", "lists")
    }


def _lists(tag_path: int, version: Version | None) -> Lists:
    return _tag_paths.at(version, lambda paths: tag_path in paths).data.get(tag_path, ())


def _own(tag_path: int, version: Version | None) -> tuple[str, ...]:
    lists = _lists(tag_path, version)
    return lists[-1] if lists else ()


def _scopes(lists: Lists, permissions: Permissions) -> frozenset[Scope]:
    if not lists or any(VIEW_SCOPE not in permissions.scopes_for_tags(tags) for tags in lists):
        return frozenset()
    return permissions.scopes_for_tags(lists[-1])


_tag_paths: VersionedCache[Version, TagPaths] = VersionedCache(
    _load, empty={}, max_derived=MAX_CACHED_DECISIONS
)
