"""Connections and worker threads, kept between requests."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ..version import __version__

if TYPE_CHECKING:
    import requests

USER_AGENT = f"tiled-client/{__version__}"


class ConnectionPool:
    """Connections and worker threads of one process."""

    def __init__(self, connections: int) -> None:
        self.process = os.getpid()
        self.workers = ThreadPoolExecutor(connections, thread_name_prefix="tiled-client")
        self._local = threading.local()

    def session(self) -> requests.Session:
        """Return this thread's own session: sessions of `requests` are not thread-safe."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = _new_session()
        return session


def _new_session() -> requests.Session:
    from http.cookiejar import DefaultCookiePolicy

    import requests

    session = requests.Session()
    # A callable that adds nothing: without one, requests would replace the Authorization header by
    # what a .netrc holds for the host.
    session.auth = lambda request: request
    session.headers.update({"User-Agent": USER_AGENT, "Accept": "*/*"})
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session
