"""Scopes of staff on a site without users: those that their Django permissions stand for.

Without accounts there are no roles. What staff may see in the admin, they may read through the API
and the web page as well. Packages above this one say which permission stands for which scopes.
"""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.auth.models import User

from ..principals import Scope

_scopes: dict[str, frozenset[Scope]] = {}


def register_staff_scopes(permission: str, scopes: Collection[Scope]) -> None:
    """Give `scopes` to staff with a Django permission, such as `catalog.view_node`."""
    _scopes[permission] = frozenset(scopes)


def staff_scopes(user: User) -> frozenset[Scope]:
    """Return the scopes that a user has by Django permissions; none without staff status."""
    if not user.is_staff:
        return frozenset()
    held = [scopes for permission, scopes in _scopes.items() if user.has_perm(permission)]
    return frozenset().union(*held)
