"""Reload of settings in a running server, after SIGHUP.

The supervisor checks the new settings, and passes the signal on to its workers only if they are
right. Each worker then takes over those of RELOADABLE; others need a restart, and are named in a
warning.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from django.conf import settings

from catalog.storage import confined_processes
from streaming.sockets.connections.revocation import end_site_key

from ..config.errors import ConfigError
from ..config.secrets import with_secrets
from ..config.settings_model import Settings, load
from ..logs.configuration import set_level

logger = logging.getLogger(__name__)

Name = tuple[str, str]
RELOADABLE: frozenset[Name] = frozenset(
    {
        ("server", "log_level"),
        ("logs", "access"),
        ("logs", "slow_request_seconds"),
        ("storage", "readable"),
        ("authentication", "single_user_api_key"),
        ("authentication", "secret_keys"),
    }
)
_lock = threading.Lock()


def changed_settings(old: Settings, new: Settings) -> set[Name]:
    """Return the settings whose values differ."""
    return {
        (section, field)
        for section in type(old).model_fields
        for field in type(getattr(old, section)).model_fields
        if getattr(getattr(old, section), field) != getattr(getattr(new, section), field)
    }


def with_reloaded(old: Settings, new: Settings, names: set[Name]) -> Settings:
    """Return `old` with the settings `names` of `new`."""
    sections = {
        section: getattr(old, section).model_copy(
            update={
                field: getattr(getattr(new, section), field) for of, field in names if of == section
            }
        )
        for section in {section for section, _ in names}
    }
    return old.model_copy(update=sections)


def reload_settings() -> None:
    """Take over changed settings in this process, as far as that is possible while it runs.

    Wrong settings change nothing, and are logged.
    """
    with _lock:
        try:
            new = with_secrets(load(os.environ))
        except ConfigError as error:
            logger.error("The settings were not reloaded. %s", error)  # noqa: TRY400
            return
        old: Settings = settings.TILED
        changed = changed_settings(old, new)
        settings.TILED = with_reloaded(old, new, changed & RELOADABLE)
        _apply(old, settings.TILED)
    _log(changed)


def reload_in_thread(*_: Any) -> None:
    """Reload in a thread: a signal handler must not wait for a lock."""
    threading.Thread(target=reload_settings, name="reload", daemon=True).start()


def _apply(old: Settings, new: Settings) -> None:
    set_level(new.server.log_level)
    if new.storage.readable and not old.storage.readable:
        confined_processes.start()
    if new.authentication.single_user_api_key != old.authentication.single_user_api_key:
        end_site_key()


def _log(changed: set[Name]) -> None:
    applied, ignored = sorted(changed & RELOADABLE), sorted(changed - RELOADABLE)
    logger.info("Reloaded the settings: %s.", _listed(applied) if applied else "nothing changed")
    if ignored:
        logger.warning("These changed settings need a restart: %s.", _listed(ignored))


def _listed(names: list[Name]) -> str:
    return ", ".join(".".join(name) for name in names)
