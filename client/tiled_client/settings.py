"""Options of requests and subscriptions, and the environment variables that the client reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .arguments import check_not_negative, check_positive

API_KEY_VARIABLE = "TILED_API_KEY"


def api_key_from_environment() -> str | None:
    """Return the API key in `TILED_API_KEY`, or None."""
    return os.environ.get(API_KEY_VARIABLE, "").strip() or None


def cache_folder() -> Path:
    """Return the user's cache folder of this client, in `XDG_CACHE_HOME` or `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tiled-client"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Timeouts and limits of HTTP requests. Times are in seconds, sizes in bytes."""

    connect_timeout: float = 10.0
    """Timeout of the TCP connection."""
    read_timeout: float = 120.0
    """Maximum time between two parts of a request or response; writes are answered when stored."""
    bytes_per_request: int = 64 * 2**20
    """Larger reads, and writes of new arrays, are split into requests of about this size."""
    connections: int = 4
    """Maximum number of these requests at a time."""
    give_up_after: float = 30.0
    """How long a request is retried while the server is down, busy or failing."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Headers of every request and of streams, as a proxy may require; not sent to other hosts."""
    verify: bool | str = True
    """Verify the TLS certificate of the server; or the path of a file or folder of CAs."""
    progress: bool | None = None
    """Show progress bars; by default in terminals and notebooks, or as TILED_PROGRESS says."""
    token_folder: str | None = None
    """Folder of saved logins; by default in the user's cache folder."""

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError for a value that is not a positive number."""
        check_positive(self, "connect_timeout", "read_timeout", "bytes_per_request", "connections")
        check_not_negative(self, "give_up_after")


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Timeouts and limits of a subscription. Times are in seconds, sizes in bytes."""

    connect_timeout: float = 10.0
    """Timeout of one attempt to connect, and of the first message after it."""
    idle_before_ping: float = 20.0
    """Idle time before a ping; a connection without a response for as long again is closed."""
    buffer_bytes: int = 64 * 2**20
    """Maximum size of updates received but not handled yet; beyond it, the server has to wait."""
    give_up_after: float = 3600.0
    """How long a lost connection is retried; servers keep the history about as long."""

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError for a value that is not a positive number."""
        check_positive(self, "connect_timeout", "idle_before_ping", "buffer_bytes")
        check_not_negative(self, "give_up_after")


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """Timeouts and limits of a writer. Times are in seconds, sizes in bytes."""

    max_pending: int = 1024
    """Maximum number of frames that are not acknowledged yet; then the next call waits."""
    pending_bytes: int = 64 * 2**20
    """Maximum size of these frames together."""
    spool: str | os.PathLike[str] | None = None
    """Folder in which frames are kept until they are acknowledged; the next process sends them."""
    spool_bytes: int = 2**30
    """Maximum size of the spool. `max_pending` does not apply then."""
    fsync: bool = False
    """Wait for the disk after each frame, so that the spool survives a failure of the machine."""
    timeout: float | None = None
    """How long a call waits for room, before it raises `StreamTimeout`; None: without limit."""
    connect_timeout: float = 10.0
    """Timeout of one attempt to connect."""
    idle_before_ping: float = 20.0
    """Time without a message before a ping; without a response for as long again, reconnect."""
    give_up_after: float = 3600.0
    """How long a lost connection is retried."""

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError for a value that is not a positive number."""
        check_positive(self, "max_pending", "pending_bytes", "connect_timeout", "idle_before_ping")
        check_not_negative(self, "give_up_after")
