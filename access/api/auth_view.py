"""Base of the views below `auth/`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from access.accounts.accounts import get_account
from access.api.permissions import principal_of
from access.authentication.csrf import check_csrf
from access.authentication.drf import KEY_COOKIE
from access.config import authentication_settings
from access.models import Account
from access.unauthorized import BEARER, invalid_token_error
from core.errors import Invalid, NotFound, Unauthorized

from .base import ApiView

NO_STORE = {"Cache-Control": "no-store"}
"""Of every answer with a secret in it."""


class AuthView(ApiView):
    """A view that exists only on sites with users."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Reject the request on a site without users; then check access."""
        if not authentication_settings().multi_user:
            raise NotFound("Not Found")
        super().initial(request, *args, **kwargs)


class UnauthenticatedView(AuthView):
    """A view for clients without valid credentials."""

    def perform_authentication(self, request: Request) -> None:
        """Check only the CSRF token of a browser that has the cookie of a key."""
        if KEY_COOKIE in request.COOKIES and "HTTP_AUTHORIZATION" not in request.META:
            check_csrf(request)

    def check_permissions(self, request: Request) -> None:
        """Allow all clients."""


def own_account(request: Request) -> Account:
    """Return the account of the request. Raises Unauthorized if it is anonymous or deleted."""
    uuid = principal_of(request).uuid
    if uuid is None:
        raise Unauthorized("Not authenticated", headers=BEARER)
    try:
        return get_account(uuid)
    except NotFound:
        raise invalid_token_error() from None


def read_uuid(text: str, what: str) -> UUID:
    """Return the UUID in a URL, with or without dashes. Raises Invalid."""
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(f"{what} must be a UUID, not {text!r}.") from None
