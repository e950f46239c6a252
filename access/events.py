"""Domain events of access: one Django signal for each.

This package does not know its listeners. An event is announced after its change is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.dispatch import Signal


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """The API key with this id was revoked."""

    key_id: int


@dataclass(frozen=True, slots=True)
class SessionRevoked:
    """The session with this UUID was revoked."""

    session: UUID


@dataclass(frozen=True, slots=True)
class BrowserSessionEnded:
    """The browser session with this stored key was logged out."""

    session: str


@dataclass(frozen=True, slots=True)
class AccountDisabled:
    """The account with this UUID is disabled, and with it all of its credentials."""

    account: UUID


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The role or the name of the account with this UUID may have changed."""

    account: UUID


@dataclass(frozen=True, slots=True)
class PermissionsChanged:
    """Permissions of some principal, or the tags of a node, have changed."""


Event = KeyRevoked | SessionRevoked | BrowserSessionEnded | AccountDisabled | AccountChanged

key_revoked = Signal()
session_revoked = Signal()
browser_session_ended = Signal()
account_disabled = Signal()
account_changed = Signal()
permissions_changed = Signal()

SIGNALS: dict[type, Signal] = {
    KeyRevoked: key_revoked,
    SessionRevoked: session_revoked,
    BrowserSessionEnded: browser_session_ended,
    AccountDisabled: account_disabled,
    AccountChanged: account_changed,
}


def announce(event: Event) -> None:
    """Send an event to its listeners; their exceptions propagate."""
    SIGNALS[type(event)].send(sender=type(event), event=event)


def announce_permissions() -> None:
    """Announce that permissions have changed; exceptions of listeners propagate."""
    permissions_changed.send(sender=PermissionsChanged, event=PermissionsChanged())
