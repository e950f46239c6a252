"""An HAProxy without TLS in front of several servers, which it takes in turn."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import requests

from .postgresql_cluster import free_port

PROGRAM = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
START_TIMEOUT = 20
CONFIGURATION = """
global
    stats socket {folder}/stats
defaults
    mode http
    option http-no-delay
    option redispatch
    retries 3
    retry-on conn-failure
    timeout http-request 10s
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
    timeout queue 30s
frontend tiled
    bind 127.0.0.1:{port}
    default_backend servers
backend servers
    balance roundrobin
    option httpchk
    http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host localhost
    default-server check inter 200ms fall 1 rise 1
"""


@contextmanager
def own_haproxy(folder: Path, servers: Sequence[str]) -> Iterator[str]:
    """Run an HAProxy in front of the servers with these addresses; yield its address.

    A server gets requests while its `/readyz` answers 200.
    """
    assert PROGRAM is not None
    port = free_port()
    lines = [f"    server s{n} {urlsplit(uri).netloc}\n" for n, uri in enumerate(servers)]
    file = folder / "haproxy.cfg"
    file.write_text(CONFIGURATION.format(port=port, folder=folder) + "".join(lines))
    with (folder / "haproxy.log").open("w") as log:
        process = subprocess.Popen([PROGRAM, "-db", "-f", str(file)], stdout=log, stderr=log)
    uri = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            with suppress(requests.RequestException):
                if requests.get(f"{uri}/healthz", timeout=5).ok:
                    break
            assert time.monotonic() < deadline, (folder / "haproxy.log").read_text()
            time.sleep(0.05)
        yield uri
    finally:
        process.terminate()
        process.wait(START_TIMEOUT)
