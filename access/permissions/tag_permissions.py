"""What somebody may do on nodes with given tags, on a site with the access policy `tags`.

Tags and grants are read once per version of them; the version is one row, which every change of a
tag, a grant, a group or the tags of a node moves on. Source: the wire, "access_tags".
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import F

from ..config import AccessPolicy, authentication_settings
from ..events import announce_permissions
from ..models import Grant, RightsState, Tag, WellKnownHolder
from ..principals import READ, Principal, Scope

PUBLIC = "public"
NODE_SCOPES = frozenset(
    {
        Scope.read_metadata,
        Scope.read_data,
        Scope.write_metadata,
        Scope.write_data,
        Scope.create_node,
        Scope.register,
        Scope.delete_node,
        Scope.delete_revision,
    }
)
"""What a grant may allow; all other scopes are about the site."""
MAX_CACHED_PRINCIPALS = 1024
# Asked with each listing; put together by Django it takes several times as long.
SELECT_VERSION = "SELECT epoch, number FROM access_rightsstate"

Version = tuple[uuid.UUID, int]
"""Which state of all rights: a life of the database, and a number that grows in it."""


def tags_enabled() -> bool:
    """Whether rights on this site differ from node to node."""
    return authentication_settings().access_policy is AccessPolicy.tags


@dataclass(frozen=True, slots=True, eq=False)
class Permissions:
    """What somebody may do by the tags of a node.

    `unlimited` is who may do everything on every node; `only` are the tags that a key is
    restricted to; `own` the tags that are somebody's names; `granted` says what the other tags
    allow, and `applicable` which of them they may give to nodes.
    """

    is_superuser: bool
    restricted_to: frozenset[str] | None
    own: frozenset[str]
    granted: Mapping[str, frozenset[Scope]]
    applicable: frozenset[str]
    defined: frozenset[str]

    @property
    def bypasses_tags(self) -> bool:
        """Whether tags make no difference."""
        return self.is_superuser and self.restricted_to is None

    def scopes_for_tags(self, tags: Iterable[str]) -> frozenset[Scope]:
        """What is allowed on a node that has these tags, and no other."""
        if self.bypasses_tags:
            return NODE_SCOPES
        held: set[Scope] = set()
        for tag in tags:
            if self.restricted_to is not None and tag not in self.restricted_to:
                continue
            if self.is_superuser or tag in self.own:
                return NODE_SCOPES
            held |= self.granted.get(tag, frozenset())
        return frozenset(held)


@dataclass(frozen=True, slots=True)
class _Grants:
    """All tags and grants at one version, and the rights that were asked for since."""

    version: Version | None
    defined: frozenset[str]
    by_holder: Mapping[Hashable, list[Grant]]
    asked: OrderedDict[Hashable, Permissions] = field(default_factory=OrderedDict)


_lock = threading.Lock()
_grants = _Grants(None, frozenset(), {})


def current_version() -> Version | None:
    """Which state of the rights counts now; None before there was any, which is never kept."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT_VERSION)
        row = cursor.fetchone()
    return None if row is None else version_of(*row)


def version_of(epoch: uuid.UUID | str, number: int) -> Version:
    """The version in these columns, as any database gives them."""
    return (epoch if isinstance(epoch, uuid.UUID) else uuid.UUID(epoch)), number


def permissions_for(principal: Principal, version: Version | None) -> Permissions:
    """What `principal` may do; `version` was the current one a moment ago."""
    grants = _at(version)
    asker = (principal.uuid, principal.names, bypasses_tags(principal), principal.access_tags)
    with _lock:
        found = grants.asked.get(asker)
        if found is not None:
            grants.asked.move_to_end(asker)
            return found
    rights = _build_permissions(principal, grants)
    with _lock:
        grants.asked[asker] = rights
        if len(grants.asked) > MAX_CACHED_PRINCIPALS:
            grants.asked.popitem(last=False)
    return rights


def bypasses_tags(principal: Principal) -> bool:
    """Whether no tag is needed: of admins, and of keys that belong to the site itself.

    An admin's key that is not for administration has no more rights than any other user's.
    """
    if principal.anonymous:
        return False
    if principal.kind is None:
        return True
    return principal.admin and Scope.admin_apikeys in principal.scopes


def bump_version() -> None:
    """Have everybody look at the rights anew: at once here, in other processes when committed.

    To be called in the transaction of the change, before it: whoever else changes rights waits.
    """
    with transaction.atomic():
        if not RightsState.objects.update(number=F("number") + 1):
            RightsState.objects.get_or_create(pk=1)
        transaction.on_commit(announce_permissions, robust=True)


def after_change(*, action: str = "post_", **_: Any) -> None:
    """A tag, a grant or the members of a group were changed: a receiver of Django's signals."""
    if action.startswith("post_"):
        bump_version()


def _at(version: Version | None) -> _Grants:
    global _grants
    known = _grants
    if version is not None and known.version == version:
        return known
    read = _read(version)
    if not connection.in_atomic_block:
        # What this transaction has changed may yet be undone, and its version with it.
        _grants = read
    return read


def _read(version: Version | None) -> _Grants:
    by_holder: dict[Hashable, list[Grant]] = defaultdict(list)
    for grant in Grant.objects.select_related("tag", "account"):
        by_holder[_holder(grant)].append(grant)
    defined = frozenset(Tag.objects.values_list("name", flat=True))
    return _Grants(version, defined, dict(by_holder))


def _build_permissions(principal: Principal, grants: _Grants) -> Permissions:
    granted: dict[str, frozenset[Scope]] = {PUBLIC: READ}
    applicable: set[str] = set()
    for holder in _holders(principal):
        for grant in grants.by_holder.get(holder, ()):
            name = grant.tag.name
            granted[name] = granted.get(name, frozenset()) | grant.known_scopes
            if grant.may_apply:
                applicable.add(name)
    return Permissions(
        is_superuser=bypasses_tags(principal),
        restricted_to=principal.access_tags,
        own=principal.names,
        granted=granted,
        applicable=frozenset(applicable),
        defined=grants.defined,
    )


def _holder(grant: Grant) -> Hashable:
    if grant.account is not None:
        return grant.account.uuid
    return grant.group_id or WellKnownHolder(grant.audience)


def _holders(principal: Principal) -> list[Hashable]:
    """All that rights may have been granted to, and that `principal` is or belongs to."""
    if principal.uuid is None:
        return [WellKnownHolder.everybody]
    groups = Group.objects.filter(user__account__uuid=principal.uuid)
    return [
        WellKnownHolder.everybody,
        WellKnownHolder.users,
        principal.uuid,
        *groups.values_list("pk", flat=True),
    ]
