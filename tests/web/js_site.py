"""A server for the tests of the JavaScript client, and a channel by which these control it."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import signal
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import redis

from tests.conftest import API_KEY
from tests.servers import RunningServer, running
from tools.backends.loopback_site import loopback_site
from tools.backends.ports import free_port


class JavaScriptSite:
    """A server that can be restarted at its address; its Redis keeps running meanwhile.

    It is public, where a client with a key must be known by it nevertheless.
    """

    def __init__(self, folder: Path, cache: str) -> None:
        self._folder = folder
        self.readable = folder / "readable"
        self.readable.mkdir()
        self._cache = cache
        self._prefix = f"js-{secrets.token_hex(6)}"
        self._port = free_port()
        self._stack = contextlib.ExitStack()
        self.server: RunningServer
        self.start()

    def start(self) -> None:
        """Start the server."""
        options = ("--port", str(self._port), "--workers", "1", "--api-key", API_KEY)
        options += ("--public", "--read", str(self.readable))
        self.server = self._stack.enter_context(
            running(
                self._folder,
                "serve",
                *options,
                TILED_STREAMING_CACHE_URI=self._cache,
                TILED_STREAMING_CACHE_PREFIX=self._prefix,
                TILED_STREAMING_CACHE_HEARTBEAT="0.5",
            )
        )

    def stop(self) -> None:
        """Stop the server."""
        self.server.stop(signal.SIGTERM)
        self._stack.close()

    def empty_cache(self) -> None:
        """Remove all streams, as a Redis does that restarts without its data."""
        with redis.Redis.from_url(self._cache) as connection:
            for key in connection.scan_iter(f"{self._prefix}*", count=1000):
                connection.delete(key)

    def create_key(self, scopes: str) -> str:
        """Create an API key; return its secret."""
        made = self.server.manage("apikey", "create", "--scopes", scopes)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def revoke_key(self, secret: str) -> None:
        """Revoke an API key."""
        revoked = self.server.manage("apikey", "revoke", secret[:8])
        assert revoked.returncode == 0, revoked.stderr


@contextlib.contextmanager
def control_channel(site: JavaScriptSite) -> Iterator[str]:
    """Carry out what is posted to an address: the name of a method, and its arguments in JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            name = self.path.strip("/")
            assert re.fullmatch("stop|start|empty_cache|create_key|revoke_key", name)
            arguments = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(getattr(site, name)(*arguments))

        def _answer(self, result: Any) -> None:
            body = json.dumps(result).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Do not log requests."""

    with loopback_site(Handler) as address:
        yield address
