"""What is announced about access: one Django signal for each thing that happened.

Nobody here knows who listens. An event is announced after its change is committed.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.dispatch import Signal


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """The key with this id opens nothing any more."""

    key_id: int


key_revoked = Signal()


def announce(event: KeyRevoked) -> None:
    """Tell whoever listens; their exceptions are raised here."""
    key_revoked.send(sender=type(event), event=event)
