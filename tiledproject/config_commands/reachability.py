"""Whether the backends of a configuration can be reached: database, Redis, directories."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from catalog.config import StorageSettings
from streaming.shards import shard_name, shards

from ..config.directories import database_files
from ..config.errors import ConfigError
from ..config.settings_model import Settings
from ..servers.preflight import check_bucket, check_cache, check_database


class Level(StrEnum):
    """Severity of a result. Errors prevent the start of a server."""

    ok = "ok"
    warning = "warning"
    error = "error"


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one check, in one sentence."""

    level: Level
    text: str


def backends(settings: Settings) -> Iterator[Result]:
    """Yield a result for each backend. Connects to the database, Redis and the bucket."""
    yield _database(settings)
    yield from _redis(settings)
    yield _directory("server.data_dir", settings.server.data_dir)
    yield _storage(settings.storage)
    if settings.logs.audit_file is not None:
        yield _file("logs.audit_file", settings.logs.audit_file)


def _database(settings: Settings) -> Result:
    if files := database_files(settings):
        return _file("database.uri", files[0])
    try:
        check_database(settings.database.uri)
    except ConfigError as error:
        return Result(Level.error, str(error))
    return Result(Level.ok, "database.uri: PostgreSQL accepts connections.")


def _redis(settings: Settings) -> Iterator[Result]:
    each = shards(settings.streaming_cache)
    if not each:
        yield Result(Level.ok, "streaming_cache.uri is not set: the server starts a Valkey.")
    for shard in each:
        which = "Redis" if len(each) == 1 else f"Redis {shard_name(shard)}"
        try:
            warning = check_cache(str(shard.uri), shard.prefix)
        except ConfigError as error:
            yield Result(Level.error, str(error))
        else:
            if warning is not None:
                yield Result(Level.warning, warning)
            else:
                yield Result(Level.ok, f"streaming_cache.uri: {which} responds.")


def _storage(storage: StorageSettings) -> Result:
    if storage.bucket is None:
        return _directory("storage.directory", storage.directory)
    try:
        check_bucket(storage.bucket)
    except ConfigError as error:
        return Result(Level.error, str(error))
    return Result(Level.ok, f"storage.uri: {storage.uri} can be read and listed.")


def _file(name: str, path: Path) -> Result:
    if not path.exists():
        return _directory(name, path.parent)
    if path.is_file() and os.access(path, os.R_OK | os.W_OK):
        return Result(Level.ok, f"{name}: {path} is writable.")
    return Result(
        Level.error,
        f"{name} names {path}, which this user may not write to; change its owner or mode, or run "
        "this command as the user of the server.",
    )


def _directory(name: str, path: Path) -> Result:
    there = next(one for one in (path, *path.parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return Result(
            Level.error,
            f"{name} needs the directory {path}, but this user may not write to {there}; change "
            "its owner or mode, or run this command as the user of the server.",
        )
    said = "is writable" if there == path else f"does not exist yet, and can be created in {there}"
    return Result(Level.ok, f"{name}: {path} {said}.")
