"""Format sizes, counts and times for people."""

from __future__ import annotations

from datetime import UTC, datetime

UNITS = ("kB", "MB", "GB", "TB", "PB")
TIMES_SIGN = " \u00d7 "


def format_size(size: int) -> str:
    """Return bytes in the largest suitable unit (of 1000): `24.0 MB`."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    power = 1
    while size >= 999.95 * 1000**power and power < len(UNITS):
        power += 1
    return f"{size / 1000**power:.1f} {UNITS[power - 1]}"


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun: `1 node`, `12,000 nodes`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_time(time: datetime) -> str:
    """Return a time to the second, with its zone: `2026-11-30 12:00:00 UTC`."""
    time = _in_utc(time)
    return f"{_to_second(time)} {time.tzname()}"


def format_utc(time: datetime) -> str:
    """Return a time to the second, in UTC, without the zone."""
    return _to_second(_in_utc(time))


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        return time  # in UTC it would be before year 1, or after year 9999


def _to_second(time: datetime) -> str:
    # `strftime` pads no years on some platforms.
    return time.replace(tzinfo=None).isoformat(" ", "seconds")
