"""Check before the start that the database and Redis of a site respond."""

from __future__ import annotations

import logging
import re
import ssl
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psycopg
import redis

from catalog.storage.errors import StorageUnavailable
from catalog.storage.objects.location import BucketLocation
from streaming.address import CacheAddress, parse_address
from streaming.config import StreamingCacheSettings
from streaming.redis.clients import sentinels, writer_client
from streaming.redis.keys import memory_key, report_channel
from streaming.shards import shards

from ..config.errors import ConfigError
from ..config.settings_model import Settings
from ..postgresql.poolers import has_transactions

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 5
# The oldest version that supports the scripts of this server. Valkey reports itself as Redis 7.2.
MIN_REDIS_VERSION = 7


def check_backends(settings: Settings) -> None:
    """Raise ConfigError if a backend is unusable; log a warning if it may become available."""
    check_database(settings.database.uri)
    if settings.storage.bucket is not None:
        check_bucket(settings.storage.bucket)
    for shard in shards(settings.streaming_cache):
        warning = check_cache(str(shard.uri), shard.prefix)
        if warning is not None:
            logger.warning(warning)


def check_bucket(location: BucketLocation) -> None:
    """Raise ConfigError if the objects of a bucket cannot be listed. Changes nothing."""
    from catalog.storage.objects.client import ObjectStore
    from catalog.storage.objects.failures import reason

    quick = replace(location, timeout=TIMEOUT_SECONDS, retries=1, retry_timeout=TIMEOUT_SECONDS)
    try:
        ObjectStore(quick).list_folder()
    except StorageUnavailable as error:
        raise ConfigError(
            f"storage.uri names {location.uri}, whose objects cannot be listed ({reason(error)}); "
            "create the bucket, or write the right storage.uri, storage.endpoint and credentials."
        ) from None


def check_database(uri: str) -> None:
    """Raise ConfigError if a PostgreSQL cannot be used."""
    if uri.startswith("sqlite"):
        return
    try:
        usable = has_transactions(re.sub(r"^\w+(\+\w+)?:", "postgresql:", uri), TIMEOUT_SECONDS)
    except psycopg.Error as error:
        raise ConfigError(
            f"database.uri names a PostgreSQL that rejects connections ({_one_line(error)}); "
            "start it, or write the right user, password, host and name."
        ) from None
    if not usable:
        raise ConfigError(
            "database.uri names a connection pooler that has no transactions, as PgBouncer in "
            "statement mode; set its pool_mode to transaction or session."
        )


def check_cache(uri: str, prefix: str) -> str | None:
    """Return a warning if Redis does not respond. Raises ConfigError if it cannot be used."""
    try:
        with _client(uri) as connection:
            _check_server(connection.info("server"))
            is_replica = connection.info("replication").get("role") == "slave"
            # A key and a channel that the server uses. Running servers ignore an empty request.
            connection.exists(memory_key(prefix))
            connection.publish(report_channel(prefix), "")
    except redis.exceptions.NoPermissionError as error:
        raise ConfigError(
            f"streaming_cache.uri names a Redis whose user lacks a right ({_one_line(error)}); "
            f"grant it the commands, and the keys and channels {prefix}:*, that "
            "docs/how-to/run-redis.md lists (ACL SETUSER)."
        ) from None
    except (redis.AuthenticationError, redis.ResponseError) as error:
        raise ConfigError(
            f"streaming_cache.uri names a Redis that rejects the credentials ({_one_line(error)}); "
            "write the right user and password, as in redis://user:password@host:6379."
        ) from None
    except (redis.RedisError, OSError) as error:
        if parse_address(uri).tls:
            _check_tls(error)
        return (
            f"No response from streaming_cache.uri ({_one_line(error)}). Until Redis is available, "
            "writes are stored, and their updates wait in the outbox."
        )
    if is_replica:
        return (
            f"streaming_cache.uri ({parse_address(uri).place}) leads to a replica. Until it leads "
            "to the primary, writes are stored, and their updates wait in the outbox."
        )
    return None


def _check_server(server: dict[str, Any]) -> None:
    # Valkey reports the mode under another name.
    _check_mode(str(server.get("redis_mode") or server.get("server_mode")))
    version = str(server["redis_version"])
    if int(version.partition(".")[0]) < MIN_REDIS_VERSION:
        raise ConfigError(
            f"streaming_cache.uri is a Redis {version}; use version {MIN_REDIS_VERSION} or newer, "
            "or omit the setting to have the server start its own Valkey."
        )


def _check_tls(error: Exception) -> None:
    """Raise ConfigError if a connection fails for what the files of TLS are."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, (ssl.SSLCertVerificationError, FileNotFoundError, PermissionError)):
            raise ConfigError(
                f"streaming_cache.uri names a Redis without a valid TLS connection "
                f"({_one_line(error)}); write the right host and, for a private CA, "
                "?ssl_ca_certs=FILE."
            ) from None
        found = found.__cause__ or found.__context__


def _client(uri: str) -> redis.Redis:
    """Return a client of the Redis at `uri`. Raises ConfigError, RedisError."""
    address = parse_address(uri)
    if address.service:
        _check_service(address)
    return writer_client(StreamingCacheSettings(uri=uri, timeout=TIMEOUT_SECONDS))


def _check_service(address: CacheAddress) -> None:
    """Raise ConfigError if the Sentinels respond, but do not know the service."""
    known: set[str] = set()
    for sentinel in sentinels(address, TIMEOUT_SECONDS).sentinels:
        with sentinel, suppress(redis.ConnectionError, redis.TimeoutError):
            known |= _services(sentinel)
    if known and address.service not in known:
        raise ConfigError(
            f"streaming_cache.uri names the service {address.service!r}, which its Sentinels do "
            f"not watch; write one of those that they do: {', '.join(sorted(known))}."
        )


def _services(sentinel: redis.Redis) -> set[str]:
    try:
        return set(map(str, sentinel.sentinel_masters()))
    except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
        raise ConfigError(
            f"streaming_cache.uri names Sentinels that reject the credentials ({_one_line(error)});"
            " add ?sentinel_username=USER&sentinel_password=PASSWORD to it."
        ) from None
    except redis.ResponseError as error:
        raise ConfigError(
            "streaming_cache.uri names, in place of a Sentinel, a server that is none "
            f"({_one_line(error)}); write redis://HOST:PORT for a Redis without Sentinels."
        ) from None


def _check_mode(mode: str) -> None:
    if mode == "cluster":
        raise ConfigError(
            "streaming_cache.uri names a node of a Redis Cluster, which holds only some of the "
            "keys; name one or several Redis or Valkey that run without cluster-enabled: the "
            "server divides its streams among those of the list by itself."
        )
    if mode == "sentinel":
        raise ConfigError(
            "streaming_cache.uri names a Sentinel, which watches a Redis and is none; write "
            "redis+sentinel://HOST:PORT/SERVICE in place of redis://HOST:PORT."
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
