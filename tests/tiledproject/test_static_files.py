"""Static files over real connections to both servers."""

from __future__ import annotations

import gzip
import re
import socket
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers import RunningServer

STYLES = "/static/admin/css/base.css"
MIB = 1 << 20


@pytest.fixture(params=["server", "runserver"])
def site(request: pytest.FixtureRequest) -> RunningServer:
    running: RunningServer = request.getfixturevalue(request.param)
    return running


def raw(site: RunningServer, head: str, body: bytes = b"") -> bytes:
    """Everything the server answers to these bytes, until it closes."""
    where = urlsplit(site.uri)
    with socket.create_connection((where.hostname, where.port), timeout=30) as line:
        line.sendall(f"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode() + body)
        said = b""
        while more := line.recv(65536):
            said += more
    return said


def test_a_versioned_address_is_cached_for_ever_and_a_plain_one_is_revalidated(
    site: RunningServer,
) -> None:
    page = requests.get(f"{site.uri}/admin/login/", timeout=60).text
    versioned = re.search(rf'"({STYLES}\?v=\w+)"', page)
    assert versioned is not None
    forever = requests.get(f"{site.uri}{versioned[1]}", timeout=60)
    plain = requests.get(f"{site.uri}{STYLES}", timeout=60)
    assert forever.content == plain.content
    assert plain.headers["Content-Type"] == "text/css"
    assert "immutable" in forever.headers["Cache-Control"]
    assert plain.headers["Cache-Control"] == "public, no-cache"
    known = {"If-None-Match": plain.headers["ETag"]}
    again = requests.get(f"{site.uri}{STYLES}", headers=known, timeout=60)
    assert (again.status_code, again.content) == (304, b"")
    head = requests.head(f"{site.uri}{STYLES}", timeout=60)
    assert head.headers["Content-Length"] == plain.headers["Content-Length"]


@pytest.mark.parametrize("accepted", ["gzip", "br, GZIP;q=0.5", "identity", "gzip;q=0", ""])
def test_text_is_compressed_for_clients_that_accept_it(
    server: RunningServer, accepted: str
) -> None:
    headers = {"Accept-Encoding": accepted}
    with requests.get(f"{server.uri}{STYLES}", headers=headers, stream=True, timeout=60) as answer:
        body = answer.raw.read(decode_content=False)
    plain = requests.get(f"{server.uri}{STYLES}", timeout=60).content
    compressed = answer.headers.get("Content-Encoding") == "gzip"
    assert compressed is (accepted in {"gzip", "br, GZIP;q=0.5"})
    assert (gzip.decompress(body) if compressed else body) == plain
    assert answer.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    ["../manage.py", "%2e%2e/manage.py", "..%2fmanage.py", "/etc/passwd", "admin", "", "a%00b"],
)
def test_a_missing_static_file_is_404(site: RunningServer, path: str) -> None:
    said = raw(site, f"GET /static/{path} HTTP/1.1")
    assert said.startswith(b"HTTP/1.1 404 ")
    assert "Traceback" not in site.log


def test_a_body_is_refused_before_it_is_taken_in(server: RunningServer) -> None:
    where = urlsplit(server.uri)
    head = f"PUT {STYLES} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=30) as line:
        line.sendall(head.encode() + b"100000\r\n" + bytes(65536))
        assert line.recv(65536).startswith(b"HTTP/1.1 405 ")
        with pytest.raises(ConnectionError):
            for _ in range(200):
                line.sendall(bytes(MIB))
