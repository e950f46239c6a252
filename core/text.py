"""Format sizes, counts and times for people."""

from __future__ import annotations

from datetime import UTC, datetime

UNITS = ("kB", "MB", "GB", "TB", "PB")
TIMES_SIGN = " \u00d7 "


def format_size(size: int) -> str:
    """Bytes in the unit (of 1000) that leaves few digits: `24.0 MB`."""
    if size < 1000:
        return f"{size} byte{'' if size == 1 else 's'}"
    power = 1
    while size >= 999.95 * 1000**power and power < len(UNITS):
        power += 1
    return f"{size / 1000**power:.1f} {UNITS[power - 1]}"


def format_count(count: int, noun: str) -> str:
    """`1 node`, `12,000 nodes`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_time(time: datetime) -> str:
    """A time to the second, which is said to be in UTC."""
    return f"{format_utc(time)} UTC"


def format_utc(time: datetime) -> str:
    """A time to the second, in UTC."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
