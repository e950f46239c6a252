"""Checks before the start of a server: those of the settings, of connections, of the database.

A check is added to CONNECTION_CHECKS if it needs a connection, and to DATABASE_CHECKS if it needs
the tables of the database.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from django.db import connection

from catalog.services.site_marker import ForeignStorage, check_storage
from catalog.storage.errors import StorageUnavailable
from core.migration_state import migration_state
from streaming.writing.division import OtherDivision, check_division

from .checks import GUESSABLE_KEY_ID, problems
from .config.errors import ConfigError
from .config.settings_model import Settings
from .http.tracing import check_installed
from .schema import differences
from .servers.preflight import check_backends
from .servers.startup_banner import is_loopback
from .site_agreement import refuse_other_settings
from .site_secrets import refuse_other_secrets

logger = logging.getLogger(__name__)

Refusal = Callable[[Settings], None]


def refuse_to_start(site: Settings, host: str) -> None:
    """Raise ConfigError if a server of `site` must not listen on `host`.

    Every command that serves calls this before it migrates the database.
    """
    if site.deprecated_names and os.environ.get("RUN_MAIN") != "true":
        logger.warning("Deprecated settings: %s", " ".join(site.deprecated_names))
    listening = refuse_settings(site, host)
    for refuse in CONNECTION_CHECKS:
        refuse(listening)


def refuse_settings(site: Settings, host: str) -> Settings:
    """Return the settings of a server that listens on `host`; raise ConfigError if they are unsafe.

    Neither the database nor Redis is needed.
    """
    server = site.server.model_copy(update={"host": host})
    listening = site.model_copy(update={"server": server})
    for found in problems(listening):
        if found.is_serious() and found.id not in server.silenced_checks:
            if found.id == GUESSABLE_KEY_ID and is_loopback(host) and not server.tls:
                continue
            raise ConfigError(f"{found.msg} {found.hint} ({found.id})")
    return listening


def refuse_stored(site: Settings) -> None:
    """Raise ConfigError if the contents of the database forbid starting a server.

    Every command that serves calls this after the migrations. `runserver` runs none, so a table
    may be missing.
    """
    for refuse in DATABASE_CHECKS:
        refuse(site)


def _storage_of_another(site: Settings) -> None:
    folder = site.storage.directory
    try:
        check_storage()
    except ForeignStorage as error:
        raise ConfigError(str(error)) from None
    except StorageUnavailable as error:
        raise ConfigError(f"storage.uri names {site.storage.uri}. {error}") from None
    except OSError as error:
        raise ConfigError(
            f"storage.directory is {folder}, in which no file can be made or read "
            f"({error.strerror}); make it writable for this user."
        ) from None


def _streams_elsewhere(site: Settings) -> None:
    try:
        check_division()
    except OtherDivision as error:
        raise ConfigError(str(error)) from None


def _schema(site: Settings) -> None:
    """Raise ConfigError if the database lacks something; log a warning if it is of a later version.

    During an upgrade, servers of the version before are restarted on the migrated database.
    """
    state = migration_state(connection)
    if state.later:
        logger.warning(
            "The database is of a later version, which has the migration %s: update this server.",
            state.later[-1],
        )
        return
    refuse_outdated()


def refuse_outdated() -> None:
    """Raise ConfigError if the database is not that of this version, with the remedy."""
    if found := differences(connection):
        raise ConfigError(
            f"The database does not fit this version: {found[0].text}"
            + (f", and {len(found) - 1} more differences" if len(found) > 1 else "")
            + f"; {found[0].remedy}."
        )


CONNECTION_CHECKS: list[Refusal] = [
    check_installed,
    check_backends,
    refuse_other_secrets,
    refuse_other_settings,
]
DATABASE_CHECKS: list[Refusal] = [_schema, _storage_of_another, _streams_elsewhere]
