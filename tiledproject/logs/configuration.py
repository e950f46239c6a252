"""Configuration of Python's logging from the site's settings."""

from __future__ import annotations

import logging
from typing import Any

from ..config.logs import LogFormat, LogSettings

LINE = "{asctime} {levelname} {name}{request_name}: {message}"
FORMATTERS: dict[str, dict[str, Any]] = {
    LogFormat.line: {"()": "tiledproject.logs.formats.LineFormatter", "format": LINE, "style": "{"},
    LogFormat.json: {"()": "tiledproject.logs.formats.JsonFormatter"},
    "audit": {"()": "tiledproject.logs.formats.AuditFormatter"},
}
LOGGERS: dict[str, dict[str, Any]] = {
    "django": {"handlers": [], "propagate": True},
    "django.server": {"handlers": [], "propagate": True},
    # The access log has these requests.
    "django.channels.server": {"level": "WARNING"},
    # Errors of clients are reported in the response; the log would only repeat them.
    "django.request": {"level": "ERROR"},
    # It logs every second without Redis; `streaming` logs an outage once.
    "channels_redis.pubsub": {"level": "CRITICAL"},
    # It only reports the number of threads that it would use.
    "numexpr": {"level": "WARNING"},
    # At the level debug it logs the headers of handshakes, which contain keys.
    "websockets": {"level": "INFO"},
}


def logging_configuration(level: str, logs: LogSettings) -> dict[str, Any]:
    """Return the `LOGGING` of Django."""
    handlers: dict[str, dict[str, Any]] = {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": str(logs.format),
            "filters": ["request"],
        }
    }
    # Independent of the level: the audit log is complete, also where the log has errors only.
    audit: dict[str, Any] = {"level": "INFO"}
    if logs.audit_file is not None:
        handlers["audit"] = {
            "class": "tiledproject.logs.audit_file.AuditFileHandler",
            "filename": str(logs.audit_file),
            "formatter": "audit",
        }
        audit |= {"handlers": ["audit"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": FORMATTERS,
        "filters": {"request": {"()": "tiledproject.http.request_ids.RequestIdLogFilter"}},
        "handlers": handlers,
        "root": {"handlers": ["stderr"], "level": level.upper()},
        "loggers": {**LOGGERS, "access": {"level": "INFO"}, "audit": audit},
    }


def set_level(level: str) -> None:
    """Change the log level of this process."""
    logging.getLogger().setLevel(level.upper())
