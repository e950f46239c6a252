"""Create, change and delete tags and grants."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction

from core.errors import Conflict, Invalid, NotFound
from core.program import program

from ..models import Account, Grant, Tag, WellKnownHolder
from ..models.rights import check_tag_name
from ..principals import READ, Scope
from .tag_permissions import NODE_SCOPES, bump_version

ROLES: dict[str, frozenset[Scope]] = {
    "reader": READ,
    "writer": READ | {Scope.write_metadata, Scope.write_data, Scope.create_node},
    "manager": NODE_SCOPES,
}
"""Scopes that are often given together; a manager may also give the tag to nodes."""


def create_tag(*, name: str, note: str = "") -> Tag:
    """Create a tag without grants. Raises Invalid, Conflict."""
    tag = Tag(name=name, note=note)
    try:
        check_tag_name(name)
        tag.clean_fields()
    except ValidationError as error:
        raise Invalid(" ".join(error.messages)) from None
    if Tag.objects.filter(name=name).exists():
        raise Conflict(f"There is a tag {name!r} already.")
    tag.save(force_insert=True)
    return tag


def delete_tag(*, name: str) -> None:
    """Delete a tag and its grants; nodes keep its name, which allows nothing. Raises NotFound."""
    get_tag(name).delete()


def get_tag(name: str) -> Tag:
    """Return the tag with this name. Raises NotFound."""
    tag = Tag.objects.filter(name=name).first()
    if tag is None:
        raise NotFound(f"There is no tag {name!r}; make it with `{program()} tag create`.")
    return tag


def grant(*, tag: str, holder: str, scopes: Collection[Scope], may_apply: bool = False) -> Grant:
    """Grant exactly `scopes` on nodes with the tag to `holder`.

    A holder is `user:NAME`, `service:UUID`, `group:NAME`, `users` or `everybody`. Raises NotFound,
    Invalid for scopes that are not about nodes.
    """
    if foreign := sorted(set(scopes) - NODE_SCOPES):
        raise Invalid(f"{', '.join(foreign)}: no scope of nodes; those are {_listed(NODE_SCOPES)}.")
    with transaction.atomic():
        bump_version()
        made, _ = Grant.objects.update_or_create(
            tag=get_tag(tag),
            **_holder(holder),
            defaults={"scopes": sorted(scopes), "may_apply": may_apply},
        )
    return made


def revoke(*, tag: str, holder: str) -> None:
    """Revoke the grant of the tag to `holder`. Raises NotFound."""
    found = Grant.objects.filter(tag=get_tag(tag), **_holder(holder)).first()
    if found is None:
        raise NotFound(f"{holder} has no grant of the tag {tag!r}.")
    found.delete()


def _holder(text: str) -> dict[str, Any]:
    """Return the columns of a grant that name its holder."""
    no_holder: dict[str, Any] = {"account": None, "group": None, "audience": ""}
    if text in WellKnownHolder.values:
        return {**no_holder, "audience": text}
    kind, _, name = text.partition(":")
    match kind:
        case "user":
            return {**no_holder, "account": _account(text, user__username=name)}
        case "service":
            return {**no_holder, "account": _account(text, uuid=_uuid(name), user=None)}
        case "group":
            group = Group.objects.filter(name=name).first()
            if group is None:
                raise NotFound(f"There is no group {name!r}.")
            return {**no_holder, "group": group}
    raise Invalid(
        f"{text!r} is not a holder; write user:NAME, service:UUID, group:NAME, users or everybody."
    )


def _account(text: str, **known: object) -> Account:
    account = Account.objects.filter(**known).first()
    if account is None:
        raise NotFound(f"There is no {text}.")
    return account


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(f"{text!r} is not the UUID of a service.") from None


def _listed(scopes: Collection[Scope]) -> str:
    return ", ".join(sorted(scopes))
