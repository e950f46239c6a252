"""API keys of the requesting principal and, for admins, of others."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from access.accounts.accounts import get_account
from access.api.permissions import principal_of
from access.api_keys.issuing import issue_for_account, issue_for_self
from access.api_keys.store import revoke_key
from access.models import KEY_PREFIX_LENGTH, Account, ApiKey
from access.principals import Scope
from access.unauthorized import BEARER
from core.errors import Invalid, NotFound, Unauthorized
from core.http.responses import render

from .auth_view import NO_STORE, AuthView, own_account, read_uuid
from .documents import key_document
from .request_bodies import read_key_request


class OwnKeysView(AuthView):
    """`auth/apikey`."""

    scopes = {"POST": (Scope.create_apikeys,), "DELETE": (Scope.revoke_apikeys,)}

    def post(self, request: Request) -> HttpResponse:
        """Make a key."""
        requested = read_key_request(request)
        principal, account = principal_of(request), own_account(request)
        key, secret = issue_for_self(principal=principal, account=account, requested=requested)
        return render(request, key_document(key, secret), headers=NO_STORE)

    def get(self, request: Request) -> HttpResponse:
        """Return the key that the request was made with."""
        key_id = principal_of(request).key_id
        if key_id is None:
            raise Unauthorized("No API key was provided with this request.", headers=BEARER)
        key = ApiKey.objects.filter(pk=key_id).first()
        if key is None:
            raise Unauthorized("Invalid API key", headers=BEARER)
        return render(request, key_document(key))

    def delete(self, request: Request) -> HttpResponse:
        """Revoke a key."""
        account = own_account(request)
        return _revoke(request, account, f"The currently-authenticated {account.kind} has no such")


class PrincipalKeysView(AuthView):
    """`auth/principal/{uuid}/apikey`."""

    scopes = {"POST": (Scope.admin_apikeys,), "DELETE": (Scope.admin_apikeys,)}

    def post(self, request: Request, uuid: str) -> HttpResponse:
        """Make a key for a principal."""
        requested = read_key_request(request)
        account = get_account(read_uuid(uuid, "The principal"))
        key, secret = issue_for_account(
            account=account, requested=requested, principal=principal_of(request)
        )
        return render(request, key_document(key, secret), headers=NO_STORE)

    def delete(self, request: Request, uuid: str) -> HttpResponse:
        """Revoke a key of a principal."""
        account = get_account(read_uuid(uuid, "The principal"))
        return _revoke(request, account, f"The principal {account.uuid.hex} has no such")


def _revoke(request: Request, account: Account, otherwise: str) -> HttpResponse:
    first_eight = request.query_params.get("first_eight")
    if first_eight is None:
        raise Invalid("The query parameter first_eight is missing.")
    try:
        revoke_key(first_eight[:KEY_PREFIX_LENGTH], owner=account)
    except NotFound:
        raise NotFound(f"{otherwise} API key.") from None
    return HttpResponse(status=204)
