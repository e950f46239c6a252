"""The settings of the section `logs`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class LogFormat(StrEnum):
    """Format of the log on standard error."""

    line = "line"
    json = "json"


class AccessLogMode(StrEnum):
    """Which requests the access log has."""

    first = "first"
    all = "all"
    none = "none"


class LogSettings(BaseModel):
    """Format of the log, the access log, slow requests and the audit log."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: LogFormat = Field(
        default=LogFormat.line,
        description="Format of the log on standard error: `line` for people, or `json`, one object "
        "per line, for log collectors.",
        examples=["json"],
    )
    access: AccessLogMode = Field(
        default=AccessLogMode.first,
        description="Access log: `first` logs the first ten requests of each worker process, and "
        "later ones only if they fail with a status of 500 or above; `all` logs every request and "
        "WebSocket, which a producer that writes 1,000 times a second fills a disk with; `none` "
        "logs no requests. Health checks that succeed are never logged.",
        examples=["all"],
    )
    slow_request_seconds: float = Field(
        default=10.0,
        ge=0,
        description="Requests on which the server works for longer than this many seconds are "
        "logged as warnings, whatever `logs.access` is. The time in which a body arrives, or a "
        "response leaves, does not count. 0 logs none.",
        examples=["2.5"],
    )
    audit_file: Path | None = Field(
        default=None,
        description="File for the audit log: one JSON object per line for each login, failed "
        "login, created or revoked key, change of permissions, deletion and change in the admin. "
        "Default: these lines are part of the log on standard error. The file may be renamed or "
        "removed while the server runs; it is then created again.",
        examples=["/var/log/tiled/audit.jsonl"],
    )
