"""Keys besides the site's own: made, found, revoked.

A secret is 36 random bytes in hexadecimal. The first eight digits name the key; the rest is what
must be known, long enough for a plain hash to keep it.
"""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from .errors import Invalid, NotFound
from .events import KeyRevoked, announce
from .models import FIRST, ApiKey
from .principals import Scope

logger = logging.getLogger(__name__)

SECRET_BYTES = 36
SECRET = re.compile(r"[0-9a-f]{72}")
# Asked with each request by such a key; put together by Django it takes three times as long.
BY_FIRST_EIGHT = "SELECT * FROM access_apikey WHERE first_eight = %s"
# How exactly it is known when a key was last used; each time takes a write.
USED_EVERY = timedelta(minutes=1)


def create_key(
    *, scopes: Collection[Scope], expires: datetime | None = None, note: str = ""
) -> tuple[ApiKey, str]:
    """A new key and its secret, which nobody can be told again.

    Raises Invalid for a key that could do nothing.
    """
    if not scopes:
        raise Invalid("A key needs at least one scope.")
    if expires is not None and expires <= timezone.now():
        raise Invalid("A key has to expire at a moment that is still to come.")
    while True:
        secret = secrets.token_hex(SECRET_BYTES)
        key = ApiKey(
            first_eight=secret[:FIRST],
            hashed_secret=_hash(secret),
            scopes=sorted(scopes),
            expires=expires,
            note=note,
        )
        try:
            with transaction.atomic():
                key.save(force_insert=True)
        except IntegrityError:
            if not ApiKey.objects.filter(first_eight=key.first_eight).exists():
                raise
        else:
            return key, secret


def find_key(secret: str) -> ApiKey | None:
    """The valid key with this secret, in one query; None for any other text."""
    if SECRET.fullmatch(secret) is None:
        return None
    key = next(iter(ApiKey.objects.raw(BY_FIRST_EIGHT, [secret[:FIRST]])), None)
    if key is None or not secrets.compare_digest(key.hashed_secret, _hash(secret)):
        return None
    now = timezone.now()
    if not key.is_valid(now):
        return None
    if key.last_used is None or now - key.last_used > USED_EVERY:
        _note_use(key, now)
    return key


def revoke_key(first_eight: str) -> None:
    """Delete a key; from now on it opens nothing. Raises NotFound."""
    deleted, _ = ApiKey.objects.filter(first_eight=first_eight).delete()
    if not deleted:
        raise NotFound(f"There is no key that begins with {first_eight!r}.")


def expiries(key_ids: Collection[int]) -> dict[int, datetime | None]:
    """Those of the keys that there are, each with when it expires; one query."""
    return dict(ApiKey.objects.filter(pk__in=key_ids).values_list("pk", "expires"))


def announce_deletion(*, instance: ApiKey, **_: Any) -> None:
    """However the row of a key was deleted: the key is revoked once that is committed."""
    event = KeyRevoked(instance.pk)
    transaction.on_commit(lambda: announce(event), robust=True)


def _note_use(key: ApiKey, now: datetime) -> None:
    due = Q(last_used=None) | Q(last_used__lt=now - USED_EVERY)
    try:
        ApiKey.objects.filter(due, pk=key.pk).update(last_used=now)
    except DatabaseError as error:
        logger.warning("When key %s was used could not be noted: %s", key, error)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
