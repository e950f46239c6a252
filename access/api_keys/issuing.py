"""Issue API keys: of an account for itself, or by an admin for others.

A key that was created with another one never exceeds it: it has no further scope, tag or lifetime,
and is revoked with it. A revoked login issues no keys. Source: docs/reference/tiled-
protocol/http.md, "Authentication endpoints".
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.errors import BadRequest, Forbidden, Unauthorized

from ..accounts.account_state import INHERIT, AccountState, get_account_state
from ..models import Account, ApiKey, Session
from ..principals import Principal, Scope
from ..unauthorized import BEARER, session_over_error
from .store import create_key
from .websocket_keys import is_websocket_key, link_to_issuer

MAX_API_KEYS = 100


@dataclass(frozen=True, slots=True)
class ApiKeyRequest:
    """The requested key. `scopes` None: all of its owner; `lifetime` None: no expiry."""

    scopes: frozenset[str] | None
    lifetime: timedelta | None
    access_tags: frozenset[str] | None
    note: str


def issue_for_self(
    *, principal: Principal, account: Account, requested: ApiKeyRequest
) -> tuple[ApiKey, str]:
    """Issue a key for the requesting principal. Raises Forbidden and BadRequest."""
    state = get_account_state(account.uuid)
    scopes = requested.scopes if requested.scopes is not None else frozenset({INHERIT})
    restricted = principal.access_tags is not None
    if INHERIT in scopes and state and (restricted or principal.scopes != state.scopes):
        # Inherit the scopes of this request's credentials, not all scopes of the account.
        scopes = frozenset(str(scope) for scope in principal.scopes)
    _check_scopes(scopes, principal.scopes, "your")
    tags = _narrower_tags(requested.access_tags, principal)
    _check_tags(scopes, tags)
    expires = _ends(requested)
    if principal.key_id is not None and principal.expires is not None:
        expires = min(expires or principal.expires, principal.expires)
    with transaction.atomic():
        session = _held(principal)
        key, secret = _issue(account, scopes, tags, expires, requested.note, principal.key_id)
        if is_websocket_key(note=requested.note, lifetime=requested.lifetime):
            link_to_issuer(key=key, session=session)
    return key, secret


def issue_for_account(
    *, account: Account, requested: ApiKeyRequest, principal: Principal | None = None
) -> tuple[ApiKey, str]:
    """Issue a key for another account, as an admin.

    `principal` is the admin, if the request came over the API. Raises Forbidden, BadRequest and
    Unauthorized.
    """
    state = get_account_state(account.uuid)
    scopes = requested.scopes if requested.scopes is not None else frozenset({INHERIT})
    _check_scopes(scopes, _scopes(state), "the principal's")
    _check_tags(scopes, requested.access_tags)
    made_by = principal.key_id if principal else None
    with transaction.atomic():
        if principal:
            _held(principal)
        return _issue(
            account, scopes, requested.access_tags, _ends(requested), requested.note, made_by
        )


def _held(principal: Principal) -> Session | None:
    """Lock the credentials of `principal` against revocation until this transaction ends.

    Return the login of an access token. Raises Unauthorized if the credentials were revoked
    since the request was authenticated.
    """
    if principal.key_id is not None:
        key = ApiKey.objects.select_for_update().filter(pk=principal.key_id).first()
        if key is None:
            raise Unauthorized("Invalid API key", headers=BEARER)
    if principal.session is None:
        return None
    sessions = Session.objects.select_for_update().filter(uuid=principal.session, revoked=False)
    session = sessions.first()
    if session is None:
        raise session_over_error()
    return session


def _scopes(state: AccountState | None) -> frozenset[Scope]:
    return state.scopes if state else frozenset()


def _check_scopes(requested: frozenset[str], held: Collection[Scope], whose: str) -> None:
    if beyond := requested - {INHERIT} - set(held):
        asked, owned = (sorted(map(str, scopes)) for scopes in (beyond, held))
        raise Forbidden(f"The scopes {asked} are beyond {whose} own, {owned}.")


def _narrower_tags(requested: frozenset[str] | None, principal: Principal) -> frozenset[str] | None:
    held = principal.access_tags
    if held is None or requested is None:
        return held if requested is None else requested
    if beyond := requested - held:
        raise Forbidden(f"The access tags {sorted(beyond)} are beyond your key's own.")
    return requested


def _check_tags(scopes: frozenset[str], tags: frozenset[str] | None) -> None:
    # A key that manages keys could issue one without the restriction.
    if tags is not None and (broad := scopes & {INHERIT, Scope.admin_apikeys}):
        named = sorted(map(str, broad))
        raise Forbidden(f"Access tags cannot restrict a key with the scopes {named}.")


def _ends(requested: ApiKeyRequest) -> datetime | None:
    return None if requested.lifetime is None else timezone.now() + requested.lifetime


def _issue(
    account: Account,
    scopes: frozenset[str],
    tags: frozenset[str] | None,
    expires: datetime | None,
    note: str,
    made_by: int | None,
) -> tuple[ApiKey, str]:
    with transaction.atomic():
        # Locked, so that keys created concurrently are counted.
        Account.objects.select_for_update().get(pk=account.pk)
        counted = account.keys.filter(Q(expires=None) | Q(expires__gt=timezone.now()))
        if counted.count() >= MAX_API_KEYS:
            raise BadRequest(
                f"This principal has {MAX_API_KEYS} API keys, the maximum. Revoke one first."
            )
        return create_key(
            scopes=scopes,
            expires=expires,
            note=note,
            owner=account,
            access_tags=tags,
            made_by=made_by,
        )
