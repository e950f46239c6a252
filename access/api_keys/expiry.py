"""Parse expiration times: a duration from now, or a date."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

DURATION = re.compile(r"(\d{1,6})([smhdw])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_expiry(text: str) -> datetime:
    """Return the time that `7d` (from now) or an ISO 8601 date, with or without a time, means.

    Without a zone it is in the time zone of the site. Raises ValueError for anything else.
    """
    try:
        said = _from_now(text) or parse_datetime(text)
    except (ValueError, OverflowError):
        said = None
    if said is None:
        raise ValueError(
            f"{text!r} is neither a duration, such as 90m, 12h, 7d or 4w, nor a date, such as "
            "2027-01-31 or 2027-01-31T12:00+01:00"
        )
    return said if timezone.is_aware(said) else timezone.make_aware(said)


def _from_now(text: str) -> datetime | None:
    duration = DURATION.fullmatch(text)
    if duration is None:
        return None
    return timezone.now() + timedelta(**{UNITS[duration[2]]: int(duration[1])})
