"""Filter nodes by the time at which they were created."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from django.db.models import Q

from core.errors import Invalid


def created_between(since: str, until: str) -> Q:
    """Return the condition that a node was created at or after `since` and before `until`.

    Both are ISO 8601 with a time zone, or seconds since 1970; an empty text is not a bound. Raises
    Invalid.
    """
    condition = Q()
    if since:
        condition &= Q(time_created__gte=_moment("since", since))
    if until:
        condition &= Q(time_created__lt=_moment("until", until))
    return condition


def _moment(name: str, text: str) -> datetime:
    try:
        seconds = float(text)
        if math.isfinite(seconds):
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        # In a query, an unescaped plus arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Invalid(
        f"{name} must be an ISO 8601 time with its time zone, such as 2026-01-02T03:04:05Z, or "
        f"seconds since 1970, not {text!r:.80}."
    )
