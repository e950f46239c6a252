"""Set access tags of nodes: check the permission to set them, and update descendants.

Source: docs/reference/tiled-protocol/http.md, "Create a node" and "Updating metadata".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import orjson
from django.db import transaction
from django.db.models import Case, Value, When

from access.config import authentication_settings
from access.models.rights import PUBLIC, RESERVED, TAG_LENGTH
from access.permissions.tag_permissions import Permissions, bump_version, tags_enabled
from access.principals import Principal, Scope
from core.audit import audit
from core.errors import Forbidden, Invalid, Unavailable

from ...lookup.nodes import filter_descendants, resolve_for_update
from ...models import Node, TagPath
from ...permissions.node_permissions import Lists, current_permissions, own_tags, tag_path_lists

MAX_TAGS = 100
# Databases limit the number of parameters of a query.
BATCH_ROWS = 5000
# Without these, a principal could neither see the node nor restore its tags.
KEPT_SCOPES = frozenset({Scope.read_metadata, Scope.write_metadata})


def parse_tags(value: Any) -> list[str] | None:
    """Return tags in stored form: sorted, unique, `public` in lower case. Raises Invalid."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise Invalid("access_tags must be a list of strings.")
    if len(value) > MAX_TAGS or any(not 0 < len(tag) <= TAG_LENGTH for tag in value):
        raise Invalid(
            f"A node has at most {MAX_TAGS} access tags, of 1 to {TAG_LENGTH} characters each."
        )
    return sorted({PUBLIC if tag.casefold() == PUBLIC else tag for tag in value})


def tag_path_for_new_node(
    parent: Node, asked: Sequence[str] | None, principal: Principal | None
) -> int | None:
    """Return the tag path of a node that `principal` creates below `parent`; None without tags.

    `principal` None is the site itself. Raises Forbidden.
    """
    if not tags_enabled():
        return None
    return tag_path_for_lists([*_lists(parent), tuple(_tags_of_new(parent, asked, principal))])


def check_parent(parent: Node) -> None:
    """Raise Unavailable if the tags of `parent` changed since it was read.

    Call it in the transaction that creates a child; it locks the parent until the end.
    """
    if tags_enabled():
        now = Node.objects.select_for_update(no_key=True).filter(pk=parent.pk)
        if now.values_list("tag_path", flat=True).first() != parent.tag_path_id:
            raise Unavailable(
                f"The access tags of {parent} changed during this request. Try again."
            )


def authorize_tag_change(node: Node, asked: Any, principal: Principal | None) -> list[str]:
    """Return the tags of `node` after the change. Raises Forbidden, Invalid."""
    before, after = set(own_tags(node.tag_path_id)), set(parse_tags(asked) or ())
    if principal is not None and after != before:
        rights = current_permissions(principal)
        _check_not_empty(after, rights)
        for tag in sorted(after - before):
            _check_added(tag, rights)
        for tag in sorted(before - after):
            _check_removed(tag, rights)
        _check_keeps_access(after, rights)
    return sorted(after)


def set_tags(node: Node, tags: Sequence[str]) -> None:
    """Set the tags of `node` and update its descendants' tag paths; its row is not saved.

    Call it in a transaction that began with `bump_version`.
    """
    changed = partial(audit, "node_tagged", path=f"/{node.path}", tags=list(tags))
    transaction.on_commit(changed, robust=True)
    if not node.path:
        # The root without tags is readable by all principals, and is in no tag path.
        node.tag_path_id = tag_path_for_lists([tags]) if tags else None
        return
    lists = [*_lists(node.parent), tuple(tags)]
    node.tag_path_id = tag_path_for_lists(lists)
    _update_descendants(node, lists)


def tag_nodes(*, path: str, tags: Sequence[str], recursive: bool) -> int:
    """Set the tags of the node at `path`, and with `recursive` of all its descendants.

    Permissions are not checked. Returns the number of nodes. Raises NotFound, Invalid.
    """
    wanted = parse_tags(list(tags)) or []
    with transaction.atomic():
        bump_version()
        node = resolve_for_update(path)
        set_tags(node, wanted)
        node.save(update_fields=["tag_path"])
        return 1 + (_tag_below(node, wanted) if recursive else 0)


def _tag_below(node: Node, tags: Sequence[str]) -> int:
    """Tag all descendants, one depth at a time: tag paths differ by depth."""
    count, lists, level = 0, list(_lists(node)), [node.pk]
    while level:
        lists.append(tuple(tags))
        tag_path = tag_path_for_lists(lists)
        below_level: list[int] = []
        for batch in _iter_batches(level, BATCH_ROWS):
            children = Node.objects.filter(parent__in=batch)
            below_level += children.values_list("pk", flat=True)
            count += children.update(tag_path=tag_path)
        level = below_level
    return count


def _iter_batches(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _tags_of_new(
    parent: Node, asked: Sequence[str] | None, principal: Principal | None
) -> Sequence[str]:
    if principal is None:
        return own_tags(parent.tag_path_id) if asked is None else asked
    rights = current_permissions(principal)
    if asked is None:
        tags = _tags_by_default(parent, principal, rights)
    else:
        tags = asked
        _check_not_empty(tags, rights)
        for tag in tags:
            _check_added(tag, rights)
    _check_keeps_access(tags, rights)
    return tags


def _tags_by_default(parent: Node, principal: Principal, rights: Permissions) -> Sequence[str]:
    if authentication_settings().tags_of_new_nodes == "parent" or not principal.names:
        inherited = own_tags(parent.tag_path_id)
        if inherited or not principal.names:
            return inherited
    owner = sorted(principal.names)[:1]
    if rights.restricted_to is not None and not rights.restricted_to.issuperset(owner):
        raise _policy_error(
            f"Without tags the node would be tagged {owner[0]!r}, to which this API key is not "
            f"restricted. Give it one of {sorted(rights.restricted_to)}."
        )
    return owner


def _check_added(tag: str, rights: Permissions) -> None:
    if tag.startswith(RESERVED):
        raise _policy_error(f"The tag {tag!r} names an owner; the server alone gives such tags.")
    _check_restriction(tag, rights)
    if rights.is_superuser:
        if tag != PUBLIC and tag not in rights.defined:
            raise _policy_error(f"There is no tag {tag!r}.")
    elif tag == PUBLIC:
        raise _policy_error("Only an admin may give a node the tag 'public'.")
    elif tag not in rights.applicable:
        known = tag in rights.defined and tag in rights.granted
        raise _policy_error(
            f"You may not give the tag {tag!r} to nodes." if known else f"There is no tag {tag!r}."
        )


def _check_removed(tag: str, rights: Permissions) -> None:
    _check_restriction(tag, rights)
    if rights.is_superuser or tag in rights.own:
        return
    if tag == PUBLIC:
        raise _policy_error("Only an admin may take the tag 'public' from a node.")
    if tag.startswith(RESERVED):
        raise _policy_error(f"Only its owner or an admin may take the tag {tag!r} from a node.")
    if tag in rights.defined and tag not in rights.applicable:
        raise _policy_error(f"You may not take the tag {tag!r} from nodes.")


def _check_restriction(tag: str, rights: Permissions) -> None:
    if rights.restricted_to is not None and tag not in rights.restricted_to:
        raise _policy_error(
            f"This API key is restricted to the tags {sorted(rights.restricted_to)}."
        )


def _check_not_empty(tags: Iterable[str], rights: Permissions) -> None:
    if not list(tags) and not rights.is_superuser:
        raise _policy_error("Only an admin may have a node without tags.")


def _check_keeps_access(tags: Iterable[str], rights: Permissions) -> None:
    if rights.is_superuser or rights.scopes_for_tags(tags) >= KEPT_SCOPES:
        return
    raise _policy_error(
        f"With the tags {sorted(tags)} you would not have {sorted(KEPT_SCOPES)} on the node."
    )


def _policy_error(reason: str) -> Forbidden:
    return Forbidden(f"Access policy rejects the provided access tags.\n{reason}")


def _lists(node: Node | None) -> Lists:
    """Return the tag lists from the root to `node`; the root's tags do not count below it."""
    if node is None or not node.path:
        return ()
    if node.tag_path_id is not None:
        return tag_path_lists(node.tag_path_id)
    return (*_lists(node.parent), ())


def tag_path_for_lists(lists: Sequence[Sequence[str]]) -> int:
    """Return the id of the row with these lists; create it if it does not exist."""
    digest = hashlib.sha256(orjson.dumps(lists)).hexdigest()
    known = TagPath.objects.filter(digest=digest).values_list("pk", flat=True)
    found = known.first()
    if found is not None:
        return found
    with transaction.atomic():
        # First, so that rows become visible in the order of their ids.
        bump_version()
        return known.first() or TagPath.objects.create(digest=digest, lists=lists).pk


def _update_descendants(node: Node, lists: Sequence[Sequence[str]]) -> None:
    """Update the tag paths of all descendants to the new lists."""
    tagged = filter_descendants(Node.objects.filter(tag_path__isnull=False), node.path)
    paths = tagged.order_by().values_list("tag_path", flat=True).distinct()
    moved = {
        old: tag_path_for_lists([*lists, *tag_path_lists(old)[len(lists) :]])
        for old in paths
        if old
    }
    if moved:
        cases = [When(tag_path=old, then=Value(new)) for old, new in moved.items()]
        Node.objects.filter(pk__in=tagged.values("pk")).update(tag_path=Case(*cases))
