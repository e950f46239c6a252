"""Readiness of this server: its database, migrations, storage and Redis, and no shutdown ahead."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import redis
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from catalog.config import storage_settings
from catalog.storage.errors import MissingFile, StorageUnavailable
from catalog.storage.objects.location import BucketLocation
from core.backend_failures import DATABASE_UNREACHABLE, log_outage, outage_of
from core.migration_state import migration_state
from core.version import VERSION
from streaming.config import StreamingCacheSettings, streaming_cache_settings
from streaming.redis.clients import writer_client
from streaming.shards import shard_name, shards

from . import shutdown_state
from .probes import OK, Finding, Health, Probe, run_probes

if TYPE_CHECKING:
    from catalog.storage.objects.client import ObjectStore

logger = logging.getLogger(__name__)

# Shorter than the usual timeout of a load balancer's health check.
DEADLINE_SECONDS = 2.0
# A full disk may still create an empty file.
TEST_BYTES = 4096
# An object that every site with a bucket has.
MARK = ".site"

READY, DEGRADED, UNAVAILABLE, STOPPING = "ready", "degraded", "unavailable", "stopping"


def check_database() -> Finding:
    """Return whether the database answers a query."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except (DatabaseError, InterfaceError) as error:
        return _database_failure(error)
    finally:
        connection.close()
    return OK


class MigrationCheck:
    """Check that all migrations of this version are applied; they stay applied."""

    def __init__(self) -> None:
        self._applied = False

    def __call__(self) -> Finding:
        """Return whether the database has all tables of this version."""
        if self._applied:
            return OK
        try:
            pending = migration_state(connection).pending
        except (DatabaseError, InterfaceError) as error:
            return _database_failure(error)
        finally:
            connection.close()
        if pending:
            names = ", ".join(pending)
            return Finding(Health.unavailable, f"Migrations are not applied: {names}.")
        self._applied = True
        return OK


def check_storage() -> Finding:
    """Return whether data can be written to the storage directory, or read from the bucket."""
    settings = storage_settings()
    if settings.bucket is not None:
        return _check_bucket(settings.bucket)
    try:
        with tempfile.TemporaryFile(dir=settings.directory) as file:
            file.write(bytes(TEST_BYTES))
            file.flush()
    except OSError as error:
        outage = log_outage(error)
        return Finding(
            Health.unavailable,
            outage.detail if outage else f"The storage takes no files: {error.strerror}.",
        )
    return OK


def _check_bucket(location: BucketLocation) -> Finding:
    """Return whether the bucket answers one cheap request: providers charge for each."""
    try:
        _prober(location).head(MARK)
    except (StorageUnavailable, MissingFile) as error:
        return Finding(Health.unavailable, str(error))
    return OK


@cache
def _prober(location: BucketLocation) -> ObjectStore:
    # At first use: most sites have no bucket.
    from catalog.storage.objects.client import ObjectStore

    return ObjectStore(replace(location, timeout=DEADLINE_SECONDS, retries=0))


def check_streaming() -> Finding:
    """Return whether Redis answers. Without it the server works, but defers all updates."""
    each = shards(streaming_cache_settings())
    if len(each) > 1:
        # At the same time: one that hangs must not use up the time of the others.
        with ThreadPoolExecutor(len(each), "readiness-redis") as threads:
            answers = list(threads.map(_responds, each))
    else:
        answers = [_responds(shard) for shard in each]
    away = [shard_name(one) for one, responds in zip(each, answers, strict=True) if not responds]
    if not away:
        return OK
    # Without addresses: the response is public.
    which = "Redis" if len(each) == 1 else f"{len(away)} of {len(each)} Redis"
    logger.debug("No response from %s", ", ".join(away))
    return Finding(
        Health.degraded,
        f"Streaming deferred: {which} cannot be reached. Writes are stored, and their updates "
        "wait in the outbox.",
    )


def _responds(shard: StreamingCacheSettings) -> bool:
    try:
        writer_client(shard).ping()
    except (redis.RedisError, OSError):
        return False
    return True


CHECKS: dict[str, Callable[[], Finding]] = {
    "database": check_database,
    "migrations": MigrationCheck(),
    "storage": check_storage,
    "streaming": check_streaming,
}
"""By the name under which the response reports them."""


class Readiness:
    """The probes of this process, and the last reported status, to log its changes."""

    def __init__(self, checks: dict[str, Callable[[], Finding]]) -> None:
        self._probes = {name: Probe(check) for name, check in checks.items()}
        self._reported = READY

    def report(self) -> dict[str, Any]:
        """Return the status of this server and of each backend."""
        found = dict(
            zip(
                self._probes,
                run_probes(list(self._probes.values()), DEADLINE_SECONDS),
                strict=True,
            )
        )
        status = _overall({finding.health for finding in found.values()})
        reasons = " ".join(
            f"{name}: {finding.detail}" for name, finding in found.items() if finding.detail
        )
        if shutdown_state.is_stopping():
            status, reasons = STOPPING, f"This server is about to stop. {reasons}".strip()
        self._log(status, reasons)
        checks = {name: finding.as_json() for name, finding in found.items()}
        report = {"status": status, "version": VERSION, "checks": checks}
        return {**report, "detail": reasons} if reasons else report

    def _log(self, status: str, reasons: str) -> None:
        if status != self._reported:
            self._reported = status
            level = logging.INFO if status == READY else logging.WARNING
            logger.log(level, "Readiness changed to %s. %s", status, reasons)


def _overall(healths: set[Health]) -> str:
    if Health.unavailable in healths:
        return UNAVAILABLE
    return DEGRADED if Health.degraded in healths else READY


def _database_failure(error: Exception) -> Finding:
    outage = outage_of(error)
    if outage is None and not isinstance(error, OperationalError | InterfaceError):
        logger.error("The readiness check of the database failed: %s", error)
        return Finding(Health.unavailable, "The database rejects queries; see the log.")
    return Finding(Health.unavailable, (outage or DATABASE_UNREACHABLE).detail)


readiness = Readiness(CHECKS)
