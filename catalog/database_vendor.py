"""Which kind of database this site has."""

from __future__ import annotations

from functools import cache

from django.db import connection


@cache
def vendor() -> str:
    """Return `sqlite` or `postgresql`.

    Django's `connection` looks up that of the current thread at each access, which takes a
    microsecond, and a small write needs the vendor several times.
    """
    return connection.vendor


def on_postgresql() -> bool:
    """Return whether it is PostgreSQL."""
    return vendor() == "postgresql"
