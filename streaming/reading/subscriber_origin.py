"""The client of a subscriber, as administrators see it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from access.principals import Principal


@dataclass(frozen=True, slots=True)
class SubscriberOrigin:
    """The principal, network address and endpoint of a subscriber, and since when it is one."""

    principal: Principal
    address: str
    endpoint: str
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
