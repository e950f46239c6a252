"""Principals of browser sessions: of the user or the API key that logged in.

A session stores no secret. For a user it has the id and a digest of the password, as in Django, or
of the site-wide key (`KeyHolder`). For another API key it has the id of its row, and a digest of
the stored hash, because SQLite reuses the ids of deleted rows. Both are compared with the database
whenever the session is used, so that a session ends with the credentials that opened it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import chain
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as BrowserSession
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from ..accounts.account_state import state_of_account
from ..accounts.accounts import get_or_create_account
from ..api_keys.lookup import principals_for_ids, record_use
from ..browser_sessions import KEY_LOGIN, USER_LOGIN, SessionStore, stored_key
from ..config import authentication_settings
from ..models import KeyHolder
from ..permissions.staff_scopes import staff_scopes
from ..principals import SERVICE_KEY_PRINCIPAL, Principal

PASSWORD_BACKEND = "access.backends.PasswordBackend"  # noqa: S105
KEY_BACKEND = "access.backends.ApiKeyBackend"

Data = Mapping[str, Any]


def session_principal(cookie: str) -> Principal | None:
    """Return the principal that is logged in with the session cookie; None if there is none."""
    found = session_principals([stored_key(cookie)], record=True)
    return next(iter(found.values()), None)


def session_principals(stored: Collection[str], *, record: bool = False) -> dict[str, Principal]:
    """Return the principals of those of the sessions that have a valid login.

    `stored` are the keys of the sessions in the table. `record` updates `last_used` of API keys.
    """
    if not stored:
        return {}
    rows = BrowserSession.objects.filter(
        session_key__in=stored, expire_date__gt=timezone.now()
    ).values_list("session_key", "session_data", "expire_date")
    decode = SessionStore().decode
    logins = {key: (decode(data), expires) for key, data, expires in rows}
    users = _users([data for data, _ in logins.values()])
    keys = principals_for_ids(
        {data[KEY_LOGIN]["id"] for data, _ in logins.values() if _has_key(data)}
    )
    found = {}
    for session, (data, expires) in logins.items():
        principal = None
        if USER_LOGIN in data:
            principal = _user_principal(data, users)
        elif _has_key(data) and data[KEY_LOGIN]["id"] in keys:
            key, of_key = keys[data[KEY_LOGIN]["id"]]
            if constant_time_compare(data[KEY_LOGIN]["digest"], key_digest(key.hashed_secret)):
                principal = of_key
                if record:
                    record_use(key)
        if principal is not None:
            found[session] = _in_session(principal, session, expires)
    return found


def key_login(key_id: int, hashed_secret: str) -> dict[str, Any]:
    """Return the entry of a session about the API key that logged in."""
    return {"id": key_id, "digest": key_digest(hashed_secret)}


def key_digest(hashed_secret: str) -> str:
    """Return the digest by which a session verifies that its API key is still the same."""
    salt = "access.authentication.browser_logins"
    return salted_hmac(salt, hashed_secret, algorithm="sha256").hexdigest()


def _has_key(data: Data) -> bool:
    # A user who logged in later has replaced the key.
    return KEY_LOGIN in data and USER_LOGIN not in data


def _in_session(principal: Principal, session: str, expires: datetime) -> Principal:
    if principal.expires is not None:
        expires = min(principal.expires, expires)
    return replace(principal, browser_session=session, expires=expires)


def _users(logins: Collection[Data]) -> dict[int, KeyHolder]:
    ids = {int(data[USER_LOGIN]) for data in logins if USER_LOGIN in data}
    return KeyHolder.objects.select_related("account").in_bulk(ids) if ids else {}


def _user_principal(data: Data, users: Mapping[int, KeyHolder]) -> Principal | None:
    user, backend = users.get(int(data[USER_LOGIN])), data.get(BACKEND_SESSION_KEY)
    if user is None or not user.is_active or backend not in settings.AUTHENTICATION_BACKENDS:
        return None
    multi_user, by_key = authentication_settings().multi_user, backend == KEY_BACKEND
    if (by_key and multi_user) or not _is_unchanged(user, data, by_key=by_key):
        return None
    if not multi_user:
        if by_key or user.is_superuser:
            return SERVICE_KEY_PRINCIPAL
        scopes = staff_scopes(user)
        return Principal(scopes, names=frozenset({f"user:{user.username}"})) if scopes else None
    state = state_of_account(getattr(user, "account", None) or get_or_create_account(user))
    return state.principal() if state.active else None


def _is_unchanged(user: KeyHolder, data: Data, *, by_key: bool) -> bool:
    """Return whether the password, or the site-wide key, is the one that opened the session."""
    kind = KeyHolder if by_key else User
    digests = chain([kind.get_session_auth_hash(user)], kind.get_session_auth_fallback_hash(user))
    stored = data.get(HASH_SESSION_KEY, "")
    return any(constant_time_compare(stored, digest) for digest in digests)
