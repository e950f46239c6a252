"""Browser sessions in the database, stored under a digest of the cookie's value.

So a copy of the table cannot be used to log in. A session has a login if its data have a user of
Django or, under KEY_LOGIN, an API key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY as USER_LOGIN
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.utils import timezone

from .events import BrowserSessionEnded, announce

# As many digits as fit into the column: 160 bits.
DIGEST_LENGTH = 40
# In the data of a session: the API key that it was opened with.
KEY_LOGIN = "access_key"


def stored_key(session_key: str) -> str:
    """Return the digest that is stored in place of a session's key."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:DIGEST_LENGTH]


def has_login(data: Mapping[str, Any]) -> bool:
    """Return whether the data of a session are those of a login."""
    return USER_LOGIN in data or KEY_LOGIN in data


class SessionStore(DatabaseStore):
    """Django's session store, with digests in place of the session keys."""

    def exists(self, session_key: str) -> bool:
        """Return whether there is a session with this key."""
        return super().exists(stored_key(session_key))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """Return the row of this session."""
        row = super().create_model_instance(data)
        # The key itself, created if there was none; the row is not saved yet.
        row.session_key = stored_key(row.session_key)
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Delete a session, this one if no key is given; announce the end of a login."""
        wanted = session_key or self.session_key
        if wanted is None:
            return
        stored = stored_key(wanted)
        row = self.model.objects.filter(session_key=stored).first()
        super().delete(stored)
        if row is not None and has_login(self.decode(row.session_data)):
            ended = BrowserSessionEnded(stored)
            transaction.on_commit(lambda: announce(ended), robust=True)

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        try:
            return self.model.objects.get(
                session_key=stored_key(self.session_key or ""), expire_date__gt=timezone.now()
            )
        except (self.model.DoesNotExist, SuspiciousOperation):
            self._session_key = None
            return None

    async def aexists(self, session_key: str) -> bool:
        """Return whether there is a session with this key."""
        return await sync_to_async(self.exists)(session_key)

    async def acreate_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        """Return the row of this session."""
        return await sync_to_async(self.create_model_instance)(data)

    async def adelete(self, session_key: str | None = None) -> None:
        """Delete a session, this one if no key is given."""
        await sync_to_async(self.delete)(session_key)

    async def _aget_session_from_db(self) -> AbstractBaseSession | None:
        return await sync_to_async(self._get_session_from_db)()
