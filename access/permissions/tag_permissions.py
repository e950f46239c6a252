"""Permissions of a principal on tagged nodes, with the access policy `tags`.

| principal | tags that its key is restricted to | scopes on a node |
| --- | --- | --- |
| an admin with `admin:apikeys`, or the key of the site | none | all scopes of nodes |
| the same | some | all scopes of nodes, if the node has one of these tags |
| any other | none | all, if a tag is its own name; else the union of what the grants of the \
node's tags give to it, its groups, `users` (with an account) and `everybody`; `public`: reading |
| any other | some | the same, by those of the node's tags that the key is restricted to |

Tags and grants are read once per version. The version is one row, which every change of a tag, a
grant, a group or the tags of a node increments. Source: docs/reference/tiled-protocol/http.md,
"access_tags".
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import F

from core.versioned_cache import Snapshot, VersionedCache

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
"""Scopes that a grant can give; all others concern the site."""
MAX_CACHED_PRINCIPALS = 1024
# Read for each listing; Django's ORM takes several times as long.
SELECT_VERSION = "SELECT epoch, number FROM access_rightsstate"

Version = tuple[uuid.UUID, int]
"""Version of all permissions: an ID of the database, and a counter in it."""


def tags_enabled() -> bool:
    """Return whether permissions on this site depend on the tags of nodes."""
    return authentication_settings().access_policy is AccessPolicy.tags


@dataclass(frozen=True, slots=True, eq=False)
class Permissions:
    """Permissions of one principal, by the tags of a node.

    `is_superuser`: has all scopes of nodes. `restricted_to`: tags that its key is restricted to, or
    None. `own`: tags that are names of the principal. `granted`: scopes by other tags.
    `applicable`: tags that it may add to nodes and remove. `defined`: all tags that exist.
    """

    is_superuser: bool
    restricted_to: frozenset[str] | None
    own: frozenset[str]
    granted: Mapping[str, frozenset[Scope]]
    applicable: frozenset[str]
    defined: frozenset[str]

    @property
    def bypasses_tags(self) -> bool:
        """Whether the tags of nodes make no difference to the principal."""
        return self.is_superuser and self.restricted_to is None

    def scopes_for_tags(self, tags: Iterable[str]) -> frozenset[Scope]:
        """Return the scopes on a node with exactly these tags."""
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
    """All tags and grants of one version."""

    defined: frozenset[str]
    by_holder: Mapping[Hashable, list[Grant]]


def current_version() -> Version | None:
    """Return the current permissions version, or None if none exists yet."""
    with connection.cursor() as cursor:
        cursor.execute(SELECT_VERSION)
        row = cursor.fetchone()
    return None if row is None else version_of(*row)


def version_of(epoch: uuid.UUID | str, number: int) -> Version:
    """Return the version in these columns; SQLite gives the UUID as text."""
    return (epoch if isinstance(epoch, uuid.UUID) else uuid.UUID(epoch)), number


def permissions_for(principal: Principal, version: Version | None) -> Permissions:
    """Return the permissions of `principal` at `version`, which was just read."""
    snapshot = _grants.at(version)
    key = (principal.uuid, principal.names, bypasses_tags(principal), principal.access_tags)
    return snapshot.derive(key, lambda: _build_permissions(principal, snapshot.data))


def bypasses_tags(principal: Principal) -> bool:
    """Return whether a principal needs no tags: an admin, or a key of the site itself.

    An admin's key without `admin:apikeys` has the permissions of any other user's key.
    """
    if principal.anonymous:
        return False
    if principal.kind is None:
        return True
    return principal.admin and Scope.admin_apikeys in principal.scopes


def bump_version() -> None:
    """Invalidate cached permissions: immediately in this process, on commit in the others.

    Call it in the transaction of the change, before the change: it locks the row of the version, so
    that concurrent changes are serialized.
    """
    with transaction.atomic():
        if not RightsState.objects.update(number=F("number") + 1):
            RightsState.objects.get_or_create(pk=1)
        transaction.on_commit(announce_permissions, robust=True)


def after_change(*, action: str = "post_", **_: Any) -> None:
    """Bump the version after a change of a tag, a grant or a group (Django signal receiver)."""
    if action.startswith("post_"):
        bump_version()


def _load_grants(known: Snapshot[Version, _Grants], version: Version | None) -> _Grants:
    by_holder: dict[Hashable, list[Grant]] = defaultdict(list)
    for grant in Grant.objects.select_related("tag", "account"):
        by_holder[_holder(grant)].append(grant)
    return _Grants(frozenset(Tag.objects.values_list("name", flat=True)), dict(by_holder))


_grants: VersionedCache[Version, _Grants] = VersionedCache(
    _load_grants, empty=_Grants(frozenset(), {}), max_derived=MAX_CACHED_PRINCIPALS
)


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
    """Return all holders of grants that `principal` is or belongs to."""
    if principal.uuid is None:
        return [WellKnownHolder.everybody]
    groups = Group.objects.filter(user__account__uuid=principal.uuid)
    return [
        WellKnownHolder.everybody,
        WellKnownHolder.users,
        principal.uuid,
        *groups.values_list("pk", flat=True),
    ]
