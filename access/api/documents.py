"""JSON documents of principals, keys, sessions and tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet

from access.accounts.account_state import state_of_account
from access.config import authentication_settings
from access.login.password import Tokens
from access.models import Account, ApiKey, Session
from access.roles import ROLE_SCOPES, roles_of

Document = dict[str, Any]


def accounts_with_all() -> QuerySet[Account]:
    """Return accounts with everything that `principal_document` needs."""
    return Account.objects.select_related("user").prefetch_related(
        "identities",
        Prefetch("keys", ApiKey.objects.order_by("id")),
        Prefetch("sessions", Session.objects.order_by("id")),
    )


def principal_document(account: Account) -> Document:
    """Return the document of an account."""
    keys, sessions = account.keys.all(), account.sessions.all()
    identities = list(_identities(account))
    role = state_of_account(account).role
    return {
        "uuid": account.uuid.hex,
        "type": account.kind,
        "identities": identities,
        "roles": [
            {"name": held.value, "scopes": sorted(ROLE_SCOPES[held])} for held in roles_of(role)
        ],
        "api_keys": [key_document(key) for key in keys],
        "sessions": [session_document(session) for session in sessions],
        "latest_activity": _latest(
            [*(key.last_used for key in keys), *(one.latest_activity for one in sessions)]
            + [identity["latest_login"] for identity in identities]
        ),
    }


def key_document(key: ApiKey, secret: str | None = None) -> Document:
    """Return the document of a key, with its secret if it was just created."""
    told = {
        "first_eight": key.first_eight,
        "expiration_time": whole_seconds(key.expires),
        "note": key.note or None,
        "scopes": key.scopes,
        "access_tags": key.access_tags,
        "latest_activity": whole_seconds(key.last_used),
    }
    return told if secret is None else {**told, "secret": secret}


def session_document(session: Session) -> Document:
    """Return the document of a session."""
    return {
        "uuid": session.uuid.hex,
        "expiration_time": whole_seconds(session.expires),
        "revoked": session.revoked,
        "state": session.state,
    }


def tokens_document(tokens: Tokens) -> Document:
    """Return the document of a pair of tokens, after a refresh."""
    return {
        "access_token": tokens.access.token,
        "expires_in": tokens.access.seconds,
        "refresh_token": tokens.refresh.token,
        "refresh_token_expires_in": tokens.refresh.seconds,
        "token_type": "bearer",
    }


def login_document(tokens: Tokens) -> Document:
    """Return the document of a pair of tokens and their principal, after a login."""
    session = tokens.session
    return {
        **tokens_document(tokens),
        "identity": {"id": session.identifier, "provider": session.provider},
        "principal": session.account.uuid.hex,
    }


def whole_seconds(moment: datetime | None) -> datetime | None:
    """Return a time without fractions of a second."""
    return moment.replace(microsecond=0) if moment else None


def _identities(account: Account) -> Iterable[Document]:
    local = authentication_settings().local
    user = account.user
    if local is not None and user is not None and user.has_usable_password():
        login = whole_seconds(user.last_login)
        yield {"id": user.get_username(), "provider": local.provider, "latest_login": login}
    for identity in account.identities.all():
        yield {
            "id": identity.identifier,
            "provider": identity.provider,
            "latest_login": whole_seconds(identity.latest_login),
        }


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return whole_seconds(max((moment for moment in moments if moment), default=None))
