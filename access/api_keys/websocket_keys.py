"""Ephemeral API keys of subscriptions, as Tiled's client creates them.

The client creates a key for a minute, opens a WebSocket with it, and deletes the key at once. The
connection then depends on the credentials that the key was created with: a login, or another key.

Source: docs/reference/tiled-protocol/http.md, "Connection sequence of the Python client".
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from ..models import ApiKey, Session
from ..principals import Principal

WEBSOCKET_NOTE = "websocket"
MAX_LIFETIME = timedelta(minutes=1)


def link_to_issuer(*, key: ApiKey, session: Session | None) -> None:
    """Store the session that the WebSocket key `key` was created with."""
    key.session = session
    key.save(update_fields=["session"])


def is_websocket_key(*, note: str, lifetime: timedelta | None) -> bool:
    """Return whether a key with these properties is a WebSocket key."""
    return note == WEBSOCKET_NOTE and lifetime is not None and lifetime <= MAX_LIFETIME


def effective_principal(principal: Principal) -> Principal:
    """Return the principal that issued a WebSocket key; return other principals unchanged."""
    # No query for other keys: one with more than a minute left is not a WebSocket key.
    if principal.key_id is None or principal.expires is None:
        return principal
    if principal.uuid is None or principal.expires > timezone.now() + MAX_LIFETIME:
        return principal
    keys = ApiKey.objects.select_related("session", "made_by")
    key = keys.filter(pk=principal.key_id).first()
    if key is None or key.expires is None or (maker := key.session or key.made_by) is None:
        return principal
    if not is_websocket_key(note=key.note, lifetime=key.expires - key.time_created):
        return principal
    session = key.session.uuid if key.session else None
    return replace(principal, key_id=key.made_by_id, session=session, expires=maker.expires)
