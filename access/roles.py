"""Roles and their scopes.

Source: docs/reference/tiled-protocol/http.md, "Authentication endpoints".
"""

from __future__ import annotations

from enum import StrEnum

from .principals import Scope


class Role(StrEnum):
    """Role of a principal."""

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
    """Return all roles of a role: an admin is also a user."""
    return (Role.user, Role.admin) if role is Role.admin else (Role.user,)


def scopes_of(role: Role) -> frozenset[Scope]:
    """Return the scopes of a role."""
    return SCOPES_BY_ROLE[role]


SCOPES_BY_ROLE = {
    role: frozenset[Scope]().union(*(ROLE_SCOPES[held] for held in roles_of(role))) for role in Role
}
