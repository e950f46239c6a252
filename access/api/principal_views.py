"""Principals: the requesting one and, for admins, all."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from access.accounts.accounts import create_service
from access.api.permissions import principal_of
from access.principals import Scope
from access.roles import Role
from access.unauthorized import invalid_token_error
from core.errors import Invalid, NotFound
from core.http.paging import MAX_OFFSET
from core.http.requests import integer
from core.http.responses import render

from .auth_view import AuthView, read_uuid
from .documents import Document, accounts_with_all, principal_document

MAX_PAGE_SIZE = 300


class WhoAmIView(AuthView):
    """`auth/whoami`."""

    def get(self, request: Request) -> HttpResponse:
        """Return the requesting principal; null if it is anonymous."""
        uuid = principal_of(request).uuid
        if uuid is None:
            return render(request, None)
        try:
            return render(request, _document(uuid))
        except NotFound:
            raise invalid_token_error() from None


class PrincipalsView(AuthView):
    """`auth/principal`."""

    scopes = {"GET": (Scope.read_principals,), "POST": (Scope.write_principals,)}

    def get(self, request: Request) -> HttpResponse:
        """Return a page of principals."""
        offset = integer(request, "page[offset]", 0, high=MAX_OFFSET) or 0
        limit = integer(request, "page[limit]", 100, high=MAX_PAGE_SIZE) or 0
        accounts = accounts_with_all().order_by("id")[offset : offset + limit]
        return render(request, [principal_document(account) for account in accounts])

    def post(self, request: Request) -> HttpResponse:
        """Make a service."""
        said = request.query_params.get("role")
        if said not in set(Role):
            known = " or ".join(Role)
            raise Invalid(f"The query parameter role must be {known}, not {said!r}.")
        return render(request, _document(create_service(role=Role(said)).uuid))


class PrincipalView(AuthView):
    """`auth/principal/{uuid}`."""

    scopes = {"GET": (Scope.read_principals,)}

    def get(self, request: Request, uuid: str) -> HttpResponse:
        """Return one principal."""
        return render(request, _document(read_uuid(uuid, "The principal")))


def _document(uuid: UUID) -> Document:
    account = accounts_with_all().filter(uuid=uuid).first()
    if account is None:
        raise NotFound(f"No such principal: {uuid.hex}")
    return principal_document(account)
