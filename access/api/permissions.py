"""Scopes of an endpoint, as Django REST framework asks for them."""

from __future__ import annotations

from typing import ClassVar, cast

from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from ..principals import Principal, Scope, require


class ScopedView(APIView):
    """A view that says which scopes each of its methods needs; an unnamed method needs none."""

    scopes: ClassVar[dict[str, tuple[Scope, ...]]] = {}


def principal_of(request: Request) -> Principal:
    """Who asks: what authentication made of the request's credentials."""
    return cast(Principal, request.user)


class HasScopes(BasePermission):
    """Lets a request pass whose principal has the scopes that the view names for its method."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """True, or Unauthorized is raised with the scopes that are missing."""
        scopes = cast(ScopedView, view).scopes.get(request.method or "", ())
        require(principal_of(request), *scopes)
        return True
