"""Whether the database and the Redis that a site names are there, asked before it starts."""

from __future__ import annotations

import logging
import re

import psycopg
import redis

from .config import Settings
from .config_errors import ConfigError

logger = logging.getLogger(__name__)

PATIENCE = 5
# The oldest whose streams and scripts do what ours ask of them; a Valkey says it is a Redis 7.2.
OLDEST_REDIS = 7


def check_services(settings: Settings) -> None:
    """Raise ConfigError where the server could not work; log what it can wait for."""
    _check_database(settings.database.uri)
    if settings.streaming_cache.uri is not None:
        _check_cache(settings.streaming_cache.uri)


def _check_database(uri: str) -> None:
    if uri.startswith("sqlite"):
        return
    try:
        psycopg.connect(
            re.sub(r"^\w+(\+\w+)?:", "postgresql:", uri), connect_timeout=PATIENCE
        ).close()
    except psycopg.OperationalError as error:
        raise ConfigError(
            f"database.uri names a PostgreSQL that lets nobody in ({_one_line(error)}); start it, "
            "or write the right user, password, host and name."
        ) from None


def _check_cache(uri: str) -> None:
    try:
        with redis.Redis.from_url(uri, socket_connect_timeout=PATIENCE) as connection:
            version = str(connection.info("server")["redis_version"])
    except (redis.AuthenticationError, redis.ResponseError) as error:
        raise ConfigError(
            f"streaming_cache.uri names a Redis that lets nobody in ({_one_line(error)}); write "
            "the right user and password, as in redis://user:password@host:6379."
        ) from None
    except (redis.RedisError, OSError) as error:
        logger.warning(
            "Nothing answers at streaming_cache.uri (%s); until something does, what is written is "
            "kept but not streamed.",
            _one_line(error),
        )
        return
    if int(version.partition(".")[0]) < OLDEST_REDIS:
        raise ConfigError(
            f"streaming_cache.uri names a Redis {version}; run version {OLDEST_REDIS} or newer, or "
            "leave it out to have the server start a Valkey of its own."
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
