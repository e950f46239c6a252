"""End the connections of credentials that were revoked, in all server processes.

A revoked key, a logout (with tokens, or of a browser session) or a disabled account is broadcast
over the Channels layer. A broadcast that was lost is noticed by polling: each process re-checks the
credentials of its connections.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import DatabaseError

from access.authentication.revalidation import revalidate
from access.events import (
    AccountChanged,
    AccountDisabled,
    BrowserSessionEnded,
    KeyRevoked,
    SessionRevoked,
    account_changed,
    account_disabled,
    browser_session_ended,
    key_revoked,
    session_revoked,
)

from ... import shared_counters
from ...config import streaming_cache_settings
from .group_broadcast import GroupBroadcast, GroupListener
from .registry import (
    ACCOUNT_DISABLED,
    KEY_REVOKED,
    LOGGED_OUT,
    SESSION_REVOKED,
    ConnectionRegistry,
    Credential,
)

logger = logging.getLogger(__name__)

# Names on the Channels layer, shared with processes of the version before during an upgrade.
GROUP = "control"
REVOKED = "credential.over"
RECHECK = "credentials.look"
# A separate type, because the version before reads any text of the other one as a UUID.
LOGOUT = "browser_session.over"
RevocationEvent = KeyRevoked | SessionRevoked | AccountDisabled


class RevocationListener(GroupListener):
    """Own the connection registry of an event loop, and apply revocations to it.

    It starts with the first connection whose credentials can be revoked.
    """

    def __init__(self) -> None:
        super().__init__(GROUP)
        self.registry = ConnectionRegistry(
            streaming_cache_settings(), shared_counters.current(), on_revocable=self.start
        )

    def on_joined(self) -> None:
        """Re-check all credentials: earlier broadcasts were missed."""
        self.poll_soon()

    def on_message(self, message: Mapping[str, Any]) -> None:
        """Apply a revocation, or re-check all credentials."""
        if message["type"] == REVOKED:
            self.registry.revoke(_parse_credential(message["credential"]), message["reason"])
        elif message["type"] == LOGOUT:
            self.registry.revoke(message["session"], LOGGED_OUT)
        elif message["type"] == RECHECK:
            self.poll_soon()

    async def poll(self) -> None:
        """Compare the credentials of all connections with the database."""
        held = self.registry.credentials
        if not held:
            return
        try:
            valid = await database_sync_to_async(revalidate)(held)
        except DatabaseError as error:
            logger.warning("Cannot re-check the credentials of subscribers: %s", error)
        else:
            self.registry.apply_recheck(held, valid)


_broadcast = GroupBroadcast(GROUP, RevocationListener)


def current_registry() -> ConnectionRegistry:
    """Return the connection registry of the running event loop."""
    return _broadcast.current().registry


def connect() -> None:
    """Broadcast every revocation, and every change of an account, from now on."""
    for signal in (key_revoked, session_revoked, account_disabled):
        signal.connect(broadcast, dispatch_uid="streaming tell")
    browser_session_ended.connect(broadcast_logout, dispatch_uid="streaming logout")
    account_changed.connect(broadcast_recheck, dispatch_uid="streaming look")
    # On a site without users, sessions depend on a user, and their principals have no account.
    account_disabled.connect(broadcast_recheck, dispatch_uid="streaming look at disabled")


def broadcast(*, event: RevocationEvent, **_: Any) -> None:
    """End the connections of revoked credentials, in this process and in all others."""
    credential, reason = _credential_and_reason(event)
    sent = credential.hex if isinstance(credential, UUID) else credential
    _broadcast.send(
        partial(_revoke, credential, reason),
        {"type": REVOKED, "credential": sent, "reason": reason},
    )


def broadcast_logout(*, event: BrowserSessionEnded, **_: Any) -> None:
    """End the connections of a browser session, in this process and in all others."""
    _broadcast.send(
        partial(_revoke, event.session, LOGGED_OUT), {"type": LOGOUT, "session": event.session}
    )


def broadcast_recheck(*, event: AccountChanged | AccountDisabled, **_: Any) -> None:
    """Re-check all credentials in all processes.

    An account may have lost its admin role, or a user may have another password.
    """
    _broadcast.send(RevocationListener.poll_soon, {"type": RECHECK})


def end_site_key() -> None:
    """End the connections of the site-wide API key in this process: it has changed.

    Browser sessions that it opened are re-checked.
    """
    _broadcast.deliver_here(_end_site_key)


def _end_site_key(listener: RevocationListener) -> None:
    listener.registry.end_site_key()
    listener.poll_soon()


def _revoke(credential: Credential, reason: str, listener: RevocationListener) -> None:
    listener.registry.revoke(credential, reason)


def _credential_and_reason(event: RevocationEvent) -> tuple[Credential, str]:
    match event:
        case KeyRevoked():
            return event.key_id, KEY_REVOKED
        case SessionRevoked():
            return event.session, SESSION_REVOKED
        case AccountDisabled():
            return event.account, ACCOUNT_DISABLED


def _parse_credential(credential: int | str) -> Credential:
    return UUID(credential) if isinstance(credential, str) else credential
