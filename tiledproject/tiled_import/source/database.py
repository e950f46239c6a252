"""Read-only access to a database of Tiled, in SQLite or PostgreSQL.

Statements are written with `%s` for parameters; times are returned in UTC, and JSON is decoded.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import orjson
import psycopg

from ..errors import ImportRefused

CATALOG_REVISION = "917dbbcfc4b1"
AUTHENTICATION_REVISION = "0a017b76d0d0"
TILED_VERSION = "0.2.20"


class SourceDatabase:
    """An open connection that never writes."""

    def __init__(self, kind: Literal["sqlite", "postgresql"], connection: Any) -> None:
        self.kind = kind
        self._connection = connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query. Raises ImportRefused if the database fails."""
        text = statement if self.kind == "postgresql" else statement.replace("%s", "?")
        try:
            return list(self._connection.execute(text, tuple(parameters)).fetchall())
        except (sqlite3.Error, psycopg.Error) as error:
            raise ImportRefused(f"The database of Tiled cannot be read: {_line(error)}.") from error

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row, or None."""
        found = self.rows(statement, parameters)
        return found[0][0] if found else None


@contextmanager
def open_database(uri: str, *, option: str, revision: str) -> Iterator[SourceDatabase]:
    """Open the database at a SQLAlchemy URI or path. Raises ImportRefused.

    Its schema must be that of `revision`; `option` names the argument in errors.
    """
    kind, address = _address(uri, option)
    connection: Any
    try:
        if kind == "sqlite":
            _check_file(Path(address), option)
            connection = sqlite3.connect(f"file:{quote(address)}?mode=ro", uri=True)
        else:
            connection = psycopg.connect(
                address, autocommit=True, options="-c default_transaction_read_only=on"
            )
    except (sqlite3.Error, psycopg.Error) as error:
        raise ImportRefused(
            f"{option} {without_password(uri)} cannot be opened: {_line(error)}."
        ) from error
    try:
        database = SourceDatabase(kind, connection)
        _check_revision(database, option, revision)
        yield database
    finally:
        connection.close()


def without_password(uri: str) -> str:
    """Return a URI as it may be shown."""
    parts = urlsplit(uri)
    if parts.password is None:
        return uri
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:***@{host}"))


def as_json(value: Any) -> Any:
    """Return a JSON column, which SQLite has as text."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


def as_time(value: Any) -> datetime | None:
    """Return a time column in UTC; columns without zone are in UTC."""
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _address(uri: str, option: str) -> tuple[Literal["sqlite", "postgresql"], str]:
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return "sqlite", str(Path(uri).expanduser().absolute())
    match scheme.partition("+")[0]:
        case "sqlite":
            path = unquote(rest.removeprefix("/").partition("?")[0])
            return "sqlite", str(Path(path).expanduser().absolute())
        case "postgresql" | "postgres":
            return "postgresql", f"postgresql://{rest}"
    raise ImportRefused(
        f"{option} {without_password(uri)} is not the address of a database of Tiled; write "
        "sqlite:////absolute/path/catalog.db or postgresql://user:password@host/name."
    )


def _check_file(path: Path, option: str) -> None:
    if not path.is_file():
        raise ImportRefused(f"{option}: there is no database at {path}; correct the path.")


def _check_revision(database: SourceDatabase, option: str, revision: str) -> None:
    try:
        found = database.value("SELECT version_num FROM alembic_version")
    except ImportRefused:
        raise ImportRefused(
            f"{option} has no table alembic_version: it is not a database of Tiled."
        ) from None
    if found != revision:
        kind = "catalog" if revision == CATALOG_REVISION else "admin"
        raise ImportRefused(
            f"{option} has the revision {found} of Tiled's schema, and this import reads "
            f"{revision}, that of Tiled {TILED_VERSION}. Upgrade the database first, with that "
            f"version: tiled {kind} upgrade-database URI."
        )


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
