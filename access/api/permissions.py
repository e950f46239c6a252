"""Scopes of an endpoint, as a REST framework permission."""

from __future__ import annotations

from typing import ClassVar, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from ..principals import Principal, Scope, require


class ScopedView(APIView):
    """A view that declares the scopes of its methods; methods without an entry need none."""

    scopes: ClassVar[dict[str, tuple[Scope, ...]]] = {}


def principal_of(request: Request) -> Principal:
    """Return the principal of a request, as its authentication found it."""
    return cast(Principal, request.user)


class HasScopes(BasePermission):
    """Lets a request pass whose principal has the scopes that the view names for its method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True, or raise Unauthorized with the missing scopes."""
        scopes = cast(ScopedView, view).scopes.get(request.method or "", ())
        require(principal_of(request), *scopes)
        return True
