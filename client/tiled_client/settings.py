"""What can be set from outside, and the one place that reads the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

API_KEY_VARIABLE = "TILED_API_KEY"


def api_key_from_environment() -> str | None:
    """The key in `TILED_API_KEY`, if there is one."""
    return os.environ.get(API_KEY_VARIABLE) or None


def cache_folder() -> Path:
    """Where this user's programs keep what they can do without: `XDG_CACHE_HOME`, or `.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tiled-client"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Limits of one request, and of what is asked for at once. Times in seconds, sizes in bytes."""

    connect_timeout: float = 10.0
    """For the TCP connection."""
    read_timeout: float = 120.0
    """Between two pieces of an answer; a large write is answered when it is stored."""
    bytes_per_request: int = 64 * 2**20
    """A larger read, or a new array, is split into requests of about this size."""
    connections: int = 4
    """How many of those are under way at a time."""


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How a subscription holds on to its stream. Times in seconds, sizes in bytes."""

    connect_timeout: float = 10.0
    """For one attempt to connect, and again until the schema has come."""
    idle_before_ping: float = 20.0
    """A silent connection is asked for a sign of life, and dropped after as long again."""
    buffer_bytes: int = 64 * 2**20
    """Updates received but not yet handled; beyond that the server has to wait."""
    give_up_after: float = 3600.0
    """How long a lost connection is tried again: as long as servers keep the history."""
