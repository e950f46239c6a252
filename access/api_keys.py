"""Keys besides the site's own: made, and revoked.

A secret is 36 random bytes in hexadecimal. The first eight digits name the key; the rest is what
must be known, long enough for a plain hash to keep it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from .errors import Invalid, NotFound
from .events import KeyRevoked, announce
from .models import FIRST, ApiKey
from .principals import Scope

SECRET_BYTES = 36


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
            hashed_secret=hashed(secret),
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


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()
