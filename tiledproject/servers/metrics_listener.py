"""A listener for the metrics alone, in a thread of the process that the user started.

It needs no worker process, so that it responds even when all of them are busy.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from django.db import connections

from core.metrics.exposition import CONTENT_TYPE, exposition
from core.metrics.sources import refresh

from ..config.errors import ConfigError
from ..config.metrics import MetricsSettings
from ..http import process_metrics, request_metrics  # noqa: F401  declare what workers count

PATHS = ("/metrics", "/api/v1/metrics")
# In seconds, for the request of a client.
TIMEOUT = 10.0


class MetricsListener(ThreadingHTTPServer):
    """The HTTP server of the metrics."""

    daemon_threads = True

    def __init__(self, settings: MetricsSettings, port: int) -> None:
        self.settings = settings
        super().__init__((settings.host, port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore a client that disconnects."""


class _Handler(BaseHTTPRequestHandler):
    server: MetricsListener
    timeout = TIMEOUT
    server_version = "tiled-stream"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with the metrics."""
        if self.path.partition("?")[0] not in PATHS:
            self.send_error(HTTPStatus.NOT_FOUND, explain="The metrics are at /metrics.")
        elif not self._is_permitted():
            self.send_response(HTTPStatus.UNAUTHORIZED)
            self.send_header("WWW-Authenticate", "Bearer")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._send_metrics()

    def _send_metrics(self) -> None:
        try:
            refresh()
        finally:
            connections.close_all()  # those of this thread, which ends
        body = exposition()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _is_permitted(self) -> bool:
        settings = self.server.settings
        return settings.token is None or settings.is_token(self.headers.get("Authorization", ""))

    def log_message(self, format: str, *args: object) -> None:
        """Log no requests: Prometheus makes one every few seconds."""


@contextmanager
def listening(settings: MetricsSettings) -> Iterator[None]:
    """Serve the metrics at `metrics.port` meanwhile, if that is set. Raises ConfigError."""
    if settings.port is None:
        yield
        return
    try:
        listener = MetricsListener(settings, settings.port)
    except OSError as error:
        raise ConfigError(
            f"Nothing can listen on {settings.host}:{settings.port} for the metrics "
            f"({error.strerror}); change metrics.port or metrics.host."
        ) from None
    thread = threading.Thread(target=listener.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown()
        listener.server_close()
