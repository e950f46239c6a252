"""Formats of log records: lines for people, JSON for log collectors. Both redact secrets."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

import orjson

from core import request_record

HIDDEN = "***"
# Keys in query strings, in headers and in addresses with passwords.
SECRETS = re.compile(
    r"(\b(?:api_key|access_token|refresh_token|client_secret|(?:sentinel_|ssl_)?password)=)[^&\s\"'<>]+"
    r"|(\b(?:apikey|bearer)\s+)[\w.~+/=-]{8,}"
    r"|(\b[a-z][a-z0-9+.-]*://[^\s:/@\"']*:)[^\s/@\"']+(?=@)",
    re.IGNORECASE,
)


def redact(text: str) -> str:
    """Return `text` with keys, tokens and passwords replaced by asterisks."""
    return SECRETS.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    return (found[1] or found[2] or found[3]) + HIDDEN


class LineFormatter(logging.Formatter):
    """One line per record: time, level, logger, request ID, message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without secrets."""
        return redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object per record. Its `fields`, if it has any, are members of the object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object in one line, without secrets."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        request = request_record.current.get()
        if request is not None:
            entry |= {"request_id": request.request_id, "principal": request.principal}
        entry |= _redacted_fields(record)
        if record.exc_info:
            entry["exception"] = redact(self.formatException(record.exc_info))
        if record.stack_info:
            entry["stack"] = redact(record.stack_info)
        return orjson.dumps(entry, default=str).decode()


class AuditFormatter(logging.Formatter):
    """One JSON object per audit record, with its fields only."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object in one line."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return orjson.dumps({"time": time, **_redacted_fields(record)}, default=str).decode()


def _redacted_fields(record: logging.LogRecord) -> dict[str, Any]:
    fields: dict[str, Any] = getattr(record, "fields", {})
    return {
        name: redact(value) if isinstance(value, str) else value for name, value in fields.items()
    }
