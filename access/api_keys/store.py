"""API keys besides the site-wide one: create and revoke.

A secret is 36 random bytes in hexadecimal. The first eight digits name the key; the rest is long
enough that a plain hash of it is safe to store: that of the digits or, of keys that were imported
from Tiled, that of the bytes.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from core.errors import Invalid, NotFound

from ..events import KeyRevoked, announce
from ..models import KEY_PREFIX_LENGTH, Account, ApiKey

SECRET_BYTES = 36
OF_BYTES = "bytes:"


def create_key(
    *,
    scopes: Collection[str],
    expires: datetime | None = None,
    note: str = "",
    owner: Account | None = None,
    access_tags: Collection[str] | None = None,
    made_by: int | None = None,
) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret, which is shown only once.

    `owner` is None on a site without users; `made_by` is the ID of the key that this one is created
    with and revoked with. Raises Invalid for a key without scopes.
    """
    if not scopes:
        raise Invalid("A key needs at least one scope.")
    if expires is not None and expires <= timezone.now():
        raise Invalid("A key has to expire at a moment that is still to come.")
    while True:
        secret = secrets.token_hex(SECRET_BYTES)
        key = ApiKey(
            first_eight=secret[:KEY_PREFIX_LENGTH],
            hashed_secret=hash_secret(secret),
            owner=owner,
            scopes=sorted(scopes),
            access_tags=None if access_tags is None else sorted(access_tags),
            expires=expires,
            note=note,
            made_by_id=made_by,
        )
        try:
            with transaction.atomic():
                key.save(force_insert=True)
        except IntegrityError:
            if not ApiKey.objects.filter(first_eight=key.first_eight).exists():
                raise
        else:
            return key, secret


def revoke_key(first_eight: str, *, owner: Account | None = None) -> int:
    """Delete a key (of `owner`, if given) and all keys that were created with it.

    Return the number of deleted keys. Raises NotFound.
    """
    owned = ApiKey.objects.all() if owner is None else ApiKey.objects.filter(owner=owner)
    deleted = 0
    if "\0" not in first_eight:
        deleted = owned.filter(first_eight=first_eight).delete()[0]
    if not deleted:
        raise NotFound(f"There is no key that begins with {first_eight!r}.")
    return deleted


def announce_deletion(*, instance: ApiKey, **_: Any) -> None:
    """Announce on commit that a key was revoked, however its row was deleted."""
    event = KeyRevoked(instance.pk)
    transaction.on_commit(lambda: announce(event), robust=True)


def hash_secret(secret: str) -> str:
    """Return the digest of a secret, which is stored in its place."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hash_of_bytes(digest: bytes) -> str:
    """Return the stored form of a SHA-256 digest of the bytes of a secret."""
    return OF_BYTES + base64.b64encode(digest).decode()


def matches(secret: str, stored: str) -> bool:
    """Return whether `stored` is the digest of a secret of hexadecimal digits, in either form."""
    if stored.startswith(OF_BYTES):
        digest = hash_of_bytes(hashlib.sha256(bytes.fromhex(secret)).digest())
    else:
        digest = hash_secret(secret)
    return secrets.compare_digest(stored, digest)
