"""What somebody may do on a node, by its tags and those of the containers above it.

A node is seen by who may `read:metadata` on every container on the way to it, and on itself; what
else they may do there, its own tags say. The root is seen by all; without tags of its own it allows
whatever credentials allow. Any other node without tags is for those who need none.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
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
from tiled_client.wire.structure_family import StructureFamily

from ..lookup.nodes import no_such_entry, split_path
from ..models import PATH_BYTES, Node, TagPath

SEE = Scope.read_metadata
# Asked with each request; of the rights there is one row.
TAG_PATH_AND_VERSION = (
    "SELECT n.tag_path_id, s.epoch, s.number FROM catalog_node n "
    "LEFT JOIN access_rightsstate s ON TRUE WHERE n.path = %s"
)
KEPT_ANSWERS = 1024

Lists = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Paths:
    """All tag paths at one version, and which of them were allowed to whom."""

    version: Version | None
    lists: Mapping[int, Lists]
    allowed: OrderedDict[tuple[Permissions, frozenset[Scope]], tuple[int, ...]] = field(
        default_factory=OrderedDict
    )


_lock = threading.Lock()
_paths = _Paths(None, {})


def rights_now(principal: Principal) -> Permissions:
    """What `principal` may do, as of now."""
    return permissions_for(principal, current_version())


def check_node(path: str, principal: Principal, *scopes: Scope) -> None:
    """Raise NotFound unless `principal` sees the node at `path`, and Forbidden without `scopes`.

    What is hidden cannot be told from what is not there. What is inside a file or a table goes by
    the node that has the data.
    """
    if not limited(principal):
        return
    segments = split_path(path)
    joined = "/".join(segments)
    found = _place(joined)
    if found is None:
        # A node that is hidden takes as many steps as one that is not there.
        version = current_version()
        permissions_for(principal, version)
        _at(version)
        raise no_such_entry(segments)
    tag_path, is_root, version, from_above = found
    held = scopes_on(tag_path, permissions_for(principal, version), version, is_root=is_root)
    if SEE not in held:
        if not from_above:
            _place_above(joined)
            current_version()
        raise no_such_entry(segments)
    if not held.issuperset(scopes):
        needed, has = [[str(scope) for scope in group] for group in (scopes, sorted(held))]
        raise Forbidden(
            "Not enough permissions to perform this action on this node. "
            f"Requires scopes {needed}. Principal had scopes {has} on this node."
        )


def limited(principal: Principal) -> bool:
    """Whether tags make a difference to `principal`; asks no database."""
    return tags_enabled() and not (bypasses_tags(principal) and principal.access_tags is None)


def scopes_on(
    tag_path: int | None, rights: Permissions, version: Version | None, *, is_root: bool = False
) -> frozenset[Scope]:
    """What `rights` allow on a node; nothing at all on one that is not seen."""
    if rights.bypasses_tags:
        return NODE_SCOPES
    if is_root:
        return (
            NODE_SCOPES
            if tag_path is None
            else rights.scopes_for_tags(_own(tag_path, version)) | {SEE}
        )
    if tag_path is None:
        return frozenset()
    return _scopes(_at(version, tag_path).lists.get(tag_path, ()), rights)


def allowed_tag_paths(principal: Principal, scopes: Collection[Scope]) -> Sequence[int] | None:
    """The tag paths of all nodes that `principal` sees and has `scopes` on; None: all nodes."""
    if not limited(principal):
        return None
    version = current_version()
    rights, paths = permissions_for(principal, version), _at(version)
    asked = rights, frozenset((SEE, *scopes))
    with _lock:
        found = paths.allowed.get(asked)
    if found is None:
        found = tuple(pk for pk, lists in paths.lists.items() if _scopes(lists, rights) >= asked[1])
        with _lock:
            paths.allowed[asked] = found
            if len(paths.allowed) > KEPT_ANSWERS:
                paths.allowed.popitem(last=False)
    return found


def which_allow(asked: Sequence[tuple[UUID, Principal]], *scopes: Scope) -> list[bool]:
    """For nodes by their uuid, each with a principal: whether it has `scopes` on the node.

    True for a node that is not there any more.
    """
    nodes = Node.objects.filter(uuid__in={node for node, _ in asked})
    rows = nodes.values_list("uuid", "tag_path", "path")
    places = {uuid: (tag_path, not path) for uuid, tag_path, path in rows}
    version = current_version()
    return [
        node not in places
        or scopes_on(
            places[node][0], permissions_for(principal, version), version, is_root=places[node][1]
        ).issuperset(scopes)
        for node, principal in asked
    ]


def which_children(
    container: UUID, children: Sequence[tuple[str, Sequence[str]]], principal: Principal
) -> list[bool]:
    """For children of a container that `principal` sees, each with tags it had: is it seen?

    By those tags, and by those that the child of that name has now, if there is one.
    """
    keys = {key for key, _ in children}
    nodes = Node.objects.filter(parent__uuid=container, key__in=keys)
    now = dict(nodes.values_list("key", "tag_path"))
    version = current_version()
    rights = permissions_for(principal, version)
    return [
        SEE in rights.scopes_for_tags(tags)
        and (key not in now or SEE in scopes_on(now[key], rights, version))
        for key, tags in children
    ]


def lists_at(tag_path: int) -> Lists:
    """The tags on the way to nodes with this tag path, their own last."""
    known = _paths.lists.get(tag_path)
    if known is not None:
        return known
    if connection.in_atomic_block:
        return _read(TagPath.objects.filter(pk=tag_path)).get(tag_path, ())
    return _at(current_version(), tag_path).lists.get(tag_path, ())


def own_tags(tag_path: int | None) -> list[str]:
    """The tags of a node itself, sorted."""
    if tag_path is None:
        return []
    lists = lists_at(tag_path)
    return list(lists[-1]) if lists else []


def tag_paths_with(tags: Iterable[str]) -> list[int]:
    """The tag paths of nodes that bear one of `tags` themselves."""
    wanted = frozenset(tags)
    return [pk for pk, lists in _at(current_version()).lists.items() if wanted & set(lists[-1])]


def _place(path: str) -> tuple[int | None, bool, Version | None, bool] | None:
    """The tag path of the node at `path`, whether it is the root, and the version of all rights.

    And whether it is that of a node above.

    None where there is no node, nor one above it with something of that name inside.
    """
    if "\0" in path:
        return None
    with connection.cursor() as cursor:
        cursor.execute(TAG_PATH_AND_VERSION, [path])
        row = cursor.fetchone()
    if row is None:
        nearest = _place_above(path)
        return nearest and (*nearest, True)
    tag_path, epoch, number = row
    return tag_path, not path, None if epoch is None else version_of(epoch, number), False


def _place_above(path: str) -> tuple[int | None, bool, Version | None] | None:
    above = [path[:end] for end, character in enumerate(path) if character == "/"]
    nodes = Node.objects.filter(path__in=[p for p in above if len(p.encode()) <= PATH_BYTES])
    found = nodes.order_by(Length("path").desc()).values_list(
        "tag_path", "structure_family", "data_source"
    )
    nearest = found.first()
    if nearest is None or (nearest[1] == StructureFamily.container and nearest[2] is None):
        return None
    return nearest[0], False, current_version()


def _at(version: Version | None, needed: int | None = None) -> _Paths:
    global _paths
    known = _paths
    if version is None or known.version != version:
        known = _Paths(version, _loaded(known, version))
    if needed is not None and needed not in known.lists:
        known = _Paths(version, _all())
    if not connection.in_atomic_block:
        # What this transaction has changed may yet be undone, and its version with it.
        _paths = known
    return known


def _loaded(known: _Paths, version: Version | None) -> dict[int, Lists]:
    """All tag paths; if only some were added since, these alone are read."""
    if version is None or known.version is None:
        return _all()
    if known.version[0] != version[0] or known.version[1] > version[1]:
        return _all()
    new = TagPath.objects.filter(pk__gt=max(known.lists, default=0))
    return {**known.lists, **_read(new)}


def _all() -> dict[int, Lists]:
    return _read(TagPath.objects.all())


def _read(rows: QuerySet[TagPath]) -> dict[int, Lists]:
    return {
        pk: tuple(tuple(tags) for tags in lists) for pk, lists in rows.values_list("pk", "lists")
    }


def _own(tag_path: int, version: Version | None) -> tuple[str, ...]:
    lists = _at(version, tag_path).lists.get(tag_path, ())
    return lists[-1] if lists else ()


def _scopes(lists: Lists, rights: Permissions) -> frozenset[Scope]:
    if not lists or any(SEE not in rights.scopes_for_tags(tags) for tags in lists):
        return frozenset()
    return rights.scopes_for_tags(lists[-1])
