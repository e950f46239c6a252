"""Which kind of database this site has."""

from __future__ import annotations

from functools import cache

from django.db import connection


@cache
def vendor() -> str:
    """Return `sqlite` or `postgresql`.

    Django's `connection` finds the one of the current thread at each look, which takes a
    microsecond: too much for what a small write asks several times.
    """
    return connection.vendor


def on_postgresql() -> bool:
    """Return whether it is PostgreSQL."""
    return vendor() == "postgresql"
