"""Domain events of access: one Django signal for each.

This package does not know its listeners. An event is announced after its change is committed.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.dispatch import Signal


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """The key with this id opens nothing any more."""

    key_id: int


@dataclass(frozen=True, slots=True)
class SessionRevoked:
    """The login with this uuid cannot be refreshed any more."""

    session: UUID


@dataclass(frozen=True, slots=True)
class AccountDisabled:
    """Nothing of the account with this uuid opens anything any more."""

    account: UUID


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """The account with this uuid may have another role, or another name."""

    account: UUID


@dataclass(frozen=True, slots=True)
class PermissionsChanged:
    """Permissions of some principal, or the tags of a node, have changed."""


Event = KeyRevoked | SessionRevoked | AccountDisabled | AccountChanged

key_revoked = Signal()
session_revoked = Signal()
account_disabled = Signal()
account_changed = Signal()
permissions_changed = Signal()

SIGNALS: dict[type, Signal] = {
    KeyRevoked: key_revoked,
    SessionRevoked: session_revoked,
    AccountDisabled: account_disabled,
    AccountChanged: account_changed,
}


def announce(event: Event) -> None:
    """Send an event to its listeners; their exceptions propagate."""
    SIGNALS[type(event)].send(sender=type(event), event=event)


def announce_permissions() -> None:
    """Announce that permissions have changed; exceptions of listeners propagate."""
    permissions_changed.send(sender=PermissionsChanged, event=PermissionsChanged())
