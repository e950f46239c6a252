"""Connections and worker threads, kept between requests."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..settings import HttpOptions

if TYPE_CHECKING:
    import requests


class ConnectionPool:
    """Connections and worker threads of one process."""

    def __init__(self, options: HttpOptions) -> None:
        self.process = os.getpid()
        self.workers = ThreadPoolExecutor(options.connections, thread_name_prefix="tiled-client")
        self._options = options
        self._local = threading.local()

    def session(self) -> requests.Session:
        """Return this thread's own session: sessions of `requests` are not thread-safe."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            # It imports `requests`.
            from .requests_session import PrivateSession

            session = self._local.session = PrivateSession(self._options)
        return session

    def close_session(self) -> None:
        """Close the connections of this thread, which is about to end."""
        session = self._local.__dict__.pop("session", None)
        if session is not None:
            session.close()
