"""The page of Tiled 0.2.20 on this server's API, through a proxy, as both use the address `/ui`."""

from __future__ import annotations

import http.client
import json
import mimetypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import yaml

from tools.backends.loopback_site import loopback_site
from tools.backends.tiled_reference import reference_python

from ..peers import KEY, Peer

PASSED_ON = ("Accept", "Accept-Encoding", "If-None-Match")
PASSED_BACK = ("Content-Type", "Content-Encoding", "ETag", "Cache-Control", "Vary")


class Handler(BaseHTTPRequestHandler):
    """Serves Tiled's files, and sends requests of its API to the server, with the API key."""

    protocol_version = "HTTP/1.1"

    def __init__(self, *args: object, port: int, folder: Path) -> None:
        self._port, self._folder = port, folder
        self._upstream = http.client.HTTPConnection("127.0.0.1", port)
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answer with a file, the settings of the page, or the server's response."""
        path = self.path.partition("?")[0]
        if path.startswith("/api/"):
            self._pass_on()
        elif path == "/tiled-ui-settings":
            settings = (self._folder / "static/default_ui_settings.yml").read_text()
            self._send(json.dumps(yaml.safe_load(settings)).encode(), "application/json")
        else:
            file = self._folder / path.lstrip("/")
            # Addresses of nodes have no file: the page itself finds out what they are.
            file = file if file.is_file() and ".." not in path else self._folder / "ui/index.html"
            self._send(file.read_bytes(), mimetypes.guess_type(file.name)[0] or "text/plain")

    def handle(self) -> None:
        """Serve a connection until it ends: a page that is closed does not wait for the rest."""
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""

    def _pass_on(self) -> None:
        headers = {name: self.headers[name] for name in PASSED_ON if self.headers[name]}
        # Links in the response have to lead to the proxy.
        headers |= {"Authorization": f"Apikey {KEY}", "Host": self.headers["Host"]}
        self._upstream.request("GET", self.path, headers=headers)
        response = self._upstream.getresponse()
        body = response.read()
        self.send_response(response.status)
        for name in PASSED_BACK:
            if value := response.headers[name]:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send(self, body: bytes, media_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def tiled_page(peer: Peer) -> Iterator[str]:
    """Serve Tiled's page beside the API of `peer`; yield the address."""
    folder = reference_python().parent.parent / "share" / "tiled"
    with loopback_site(partial(Handler, port=peer.port, folder=folder)) as address:
        yield address
