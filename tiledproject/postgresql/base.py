"""Django's backend for PostgreSQL, with the pool of the module `pool` in place of psycopg's."""

from __future__ import annotations

import atexit
from typing import Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base
from django.db.utils import DatabaseErrorWrapper
from django.utils.functional import cached_property

from catalog.locks.pooling import is_pooled
from core.metrics.sources import on_tick

from .pool import Connection, Pool
from .poolers import connect as connect_to


class ErrorWrapper(DatabaseErrorWrapper):
    """Translate errors of the driver to those of Django, lost sessions of a pooler included.

    When a session ends in a transaction, PgBouncer passes on the reason before the client asks for
    anything, so that the next command has two responses. The driver calls that an internal error.
    """

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        """Raise Django's error in place of the driver's."""
        if isinstance(exc_value, psycopg.InternalError) and exc_value.sqlstate is None:
            wrapper: Any = self.wrapper  # type: ignore[attr-defined]
            wrapper.errors_occurred = True
            wrapper.connection.close()
            raise OperationalError(*exc_value.args) from exc_value
        super().__exit__(exc_type, exc_value, traceback)


class DatabaseWrapper(base.DatabaseWrapper):
    """The database backend. `OPTIONS["pool"]` configures the pool: `max_size`, `timeout`."""

    _pools: dict[str, Pool] = {}

    @cached_property
    def wrap_database_errors(self) -> ErrorWrapper:
        """Return the context manager that translates errors of the driver."""
        return ErrorWrapper(self)

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

    def chunked_cursor(self) -> Any:
        """Return a cursor of the server, or where that would outlive a pooled transaction, another.

        The other one fetches all rows at once.
        """
        if self.in_atomic_block or not is_pooled(self):
            return super().chunked_cursor()
        return self.cursor()

    def close_pool(self) -> None:
        """Close the pool; the next connection comes from a new one."""
        if pool := self._pools.pop(self.alias, None):
            pool.close()

    def _opener(self, parameters: dict[str, Any]) -> Any:
        def connect() -> Connection:
            connection: Connection = connect_to(**parameters)
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
