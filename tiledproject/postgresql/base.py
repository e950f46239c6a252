"""Django's backend for PostgreSQL, with the pool of the module `pool` in place of psycopg's."""

from __future__ import annotations

import atexit
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from core.metrics.sources import on_tick

from .pool import Connection, Pool


class DatabaseWrapper(base.DatabaseWrapper):
    """The database backend. `OPTIONS["pool"]` configures the pool: `max_size`, `timeout`."""

    _pools: dict[str, Pool] = {}

    @property
    def pool(self) -> Pool | None:
        """The pool of all threads of this process; None if `OPTIONS` has none."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._pools:
            if self.settings_dict.get("CONN_MAX_AGE", 0) != 0:
                raise ImproperlyConfigured("A pooled connection cannot have a CONN_MAX_AGE.")
            parameters = {**self.get_connection_params(), "autocommit": True}
            name = _location(parameters)
            pool = self._pools.setdefault(
                self.alias, Pool(self._opener(parameters), name=name, **options)
            )
            atexit.register(pool.close)
            on_tick(pool.sample)
        return self._pools[self.alias]

    def close_pool(self) -> None:
        """Close the pool; the next connection comes from a new one."""
        if pool := self._pools.pop(self.alias, None):
            pool.close()

    def _opener(self, parameters: dict[str, Any]) -> Any:
        def connect() -> Connection:
            connection: Connection = psycopg.connect(**parameters)
            try:
                self._configure_connection(connection)  # type: ignore[attr-defined]
            except BaseException:
                connection.close()
                raise
            return connection

        return connect


def _location(parameters: dict[str, Any]) -> str:
    """Return the address of a database without user and password."""
    host, port = parameters.get("host") or "", parameters.get("port") or 5432
    return f"postgresql://{host}:{port}/{parameters.get('dbname') or ''}"
