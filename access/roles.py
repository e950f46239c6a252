"""Roles, and what each allows. Source: the wire, "Authentication endpoints"."""

from __future__ import annotations

from enum import StrEnum

from .principals import Scope


class Role(StrEnum):
    """What somebody is on this site."""

    user = "user"
    admin = "admin"


_DATA = frozenset(
    {
        Scope.read_metadata,
        Scope.read_data,
        Scope.create_node,
        Scope.write_metadata,
        Scope.write_data,
        Scope.delete_revision,
        Scope.delete_node,
    }
)
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.user: _DATA | {Scope.create_apikeys, Scope.revoke_apikeys},
    Role.admin: _DATA
    | {
        Scope.register,
        Scope.admin_apikeys,
        Scope.read_principals,
        Scope.write_principals,
        Scope.metrics,
        Scope.read_webhooks,
        Scope.write_webhooks,
    },
}


def roles_of(role: Role) -> tuple[Role, ...]:
    """All that somebody is: an admin is a user as well."""
    return (Role.user, Role.admin) if role is Role.admin else (Role.user,)


def scopes_of(role: Role) -> frozenset[Scope]:
    """All that somebody may do."""
    return SCOPES_BY_ROLE[role]


SCOPES_BY_ROLE = {
    role: frozenset[Scope]().union(*(ROLE_SCOPES[held] for held in roles_of(role))) for role in Role
}
