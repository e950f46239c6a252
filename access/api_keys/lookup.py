"""Look up the principal of an API key by its secret, in one query."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from ..accounts.account_state import COLUMNS, NAMES, AccountState
from ..config import authentication_settings
from ..models import KEY_PREFIX_LENGTH, SCOPES, ApiKey
from ..principals import Principal, Scope
from .store import matches

logger = logging.getLogger(__name__)

SECRET = re.compile(r"[0-9a-f]{72}")
# Executed for each request with a key; Django's ORM takes three times as long.
SELECT_SITE_KEY = "SELECT * FROM access_apikey WHERE first_eight = %s AND owner_id IS NULL"
SELECT_ACCOUNT_KEY = f"""SELECT k.*, {COLUMNS} FROM access_apikey k
    JOIN access_account a ON a.id = k.owner_id LEFT JOIN auth_user u ON u.id = a.user_id
    WHERE k.first_eight = %s"""  # noqa: S608
SELECT_SITE_KEYS_BY_ID = "SELECT * FROM access_apikey WHERE id IN ({}) AND owner_id IS NULL"
SELECT_ACCOUNT_KEYS_BY_ID = SELECT_ACCOUNT_KEY.replace("k.first_eight = %s", "k.id IN ({})")
# Resolution of `last_used`, because each update is a write.
LAST_USED_RESOLUTION = timedelta(minutes=1)


def may_be_stored(secret: str) -> bool:
    """Return whether a text has the form of keys that are stored in the database."""
    return SECRET.fullmatch(secret) is not None


def principal_for_secret(secret: str) -> Principal | None:
    """Return the principal of the valid key with this secret; None for any other text.

    A site without users accepts keys of the site only, a site with users only keys of accounts.
    """
    if not may_be_stored(secret):
        return None
    query = SELECT_ACCOUNT_KEY if authentication_settings().multi_user else SELECT_SITE_KEY
    key = next(iter(ApiKey.objects.raw(query, [secret[:KEY_PREFIX_LENGTH]])), None)
    if key is None or not matches(secret, key.hashed_secret):
        return None
    now = timezone.now()
    principal = _principal(key) if key.is_valid(now) else None
    if principal:
        record_use(key, now)
    return principal


def principals_for_ids(ids: Collection[int]) -> dict[int, tuple[ApiKey, Principal]]:
    """Return the principals of the valid keys with these ids."""
    if not ids:
        return {}
    multi_user = authentication_settings().multi_user
    query = SELECT_ACCOUNT_KEYS_BY_ID if multi_user else SELECT_SITE_KEYS_BY_ID
    keys = ApiKey.objects.raw(query.format(", ".join(["%s"] * len(ids))), list(ids))
    now = timezone.now()
    found = ((key, _principal(key)) for key in keys if key.is_valid(now))
    return {key.pk: (key, principal) for key, principal in found if principal is not None}


def record_use(key: ApiKey, now: datetime | None = None) -> None:
    """Set `last_used` of `key` to now, unless it was set within the last minute."""
    now = now or timezone.now()
    if key.last_used is None or now - key.last_used > LAST_USED_RESOLUTION:
        _record_use(key, now)


def _principal(key: ApiKey) -> Principal | None:
    if key.owner_id is None:
        known = frozenset(Scope(name) for name in key.scopes if name in SCOPES)
        return Principal(known, key_id=key.pk, expires=key.expires)
    state = AccountState.from_row(getattr(key, name) for name in NAMES)
    if not state.active:
        return None
    return state.principal(
        key.scopes, key_id=key.pk, expires=key.expires, access_tags=key.access_tags
    )


def _record_use(key: ApiKey, now: datetime) -> None:
    due = Q(last_used=None) | Q(last_used__lt=now - LAST_USED_RESOLUTION)
    try:
        ApiKey.objects.filter(due, pk=key.pk).update(last_used=now)
    except DatabaseError as error:
        logger.warning("When key %s was used could not be noted: %s", key, error)
