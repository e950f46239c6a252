"""nginx, HAProxy and Traefik, run with the example files of `deploy/`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.servers import PROJECT
from tools.backends.ports import free_port

EXAMPLES = PROJECT / "deploy"
# Debian has the programs of administrators in a folder that not every PATH names.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
# Debian has no Traefik; the environment of `.ci/extra deploy` does.
EXTRA_PROGRAMS = PROJECT / ".venv" / "extra-deploy" / "bin"
START_TIMEOUT = 20
# In seconds, instead of the five minutes of the examples.
ORDINARY_TIMEOUT = 2


@dataclass
class Proxy:
    """A proxy that listens with TLS, and the log that it writes."""

    name: str
    uri: str
    certificate: Path
    log: Path


def make_certificate(folder: Path) -> Path:
    """Make a certificate for this machine, signed by itself; return the file of it and its key."""
    certificate, key = folder / "tiled.crt", folder / "tiled.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "1", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "tiled.pem").write_text(certificate.read_text() + key.read_text())
    return certificate


@contextmanager
def nginx(server: str, certificate: Path) -> Iterator[Proxy]:
    """Run nginx with both of its examples: the site at the root, and below /tiled."""
    program = _program("nginx")
    folder, port = _folder(certificate, "nginx"), free_port()
    below = (EXAMPLES / "nginx" / "below-a-path.conf").read_text()
    site = _changed(
        (EXAMPLES / "nginx" / "tiled.conf").read_text(),
        {
            "    location / {": f"{below}\n    location / {{",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443": f"listen 127.0.0.1:{port}",
            "127.0.0.1:8000": urlsplit(server).netloc,
            "/etc/ssl": str(certificate.parent),
            "/var/log/nginx/tiled.log": "/dev/stdout",
            "300s": f"{ORDINARY_TIMEOUT}s",
        },
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.getuid() == 0 else ''}\n"
        f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nworker_processes 1;\n"
        f"events {{}}\nhttp {{\n{folders}{site}}}\n"
    )
    command = [program, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with _running(command, folder, port, certificate) as log:
        yield Proxy("nginx", f"https://127.0.0.1:{port}", certificate, log)


@contextmanager
def haproxy(server: str, certificate: Path) -> Iterator[Proxy]:
    """Run HAProxy with its example, the line for the path /tiled included."""
    program = _program("haproxy")
    folder, port = _folder(certificate, "haproxy"), free_port()
    configuration = folder / "haproxy.cfg"
    configuration.write_text(
        _changed(
            (EXAMPLES / "haproxy" / "haproxy.cfg").read_text(),
            {
                "# http-request set-header X-Forwarded-Prefix": (
                    "http-request set-header X-Forwarded-Prefix"
                ),
                "bind :80": f"bind 127.0.0.1:{free_port()}",
                "bind :443": f"bind 127.0.0.1:{port}",
                "127.0.0.1:8000": urlsplit(server).netloc,
                "/etc/haproxy": str(certificate.parent),
                "300s": f"{ORDINARY_TIMEOUT}s",
            },
        )
    )
    subprocess.run([program, "-c", "-f", configuration], check=True, capture_output=True)
    with _running([program, "-db", "-f", str(configuration)], folder, port, certificate) as log:
        yield Proxy("haproxy", f"https://127.0.0.1:{port}", certificate, log)


@contextmanager
def traefik(server: str, certificate: Path) -> Iterator[Proxy]:
    """Run Traefik with both of its example files, the router for the path /tiled included."""
    program = _program("traefik", "bash .ci/extra deploy")
    folder, port = _folder(certificate, "traefik"), free_port()
    dynamic, static = folder / "tiled.yml", folder / "traefik.yml"
    dynamic.write_text(
        _changed(
            (EXAMPLES / "traefik" / "tiled.yml").read_text(),
            {
                "tiled.example.org": "127.0.0.1",
                "www.example.org": "127.0.0.1",
                "http://127.0.0.1:8000": server,
                "/etc/traefik": str(certificate.parent),
            },
        )
    )
    static.write_text(
        _changed(
            (EXAMPLES / "traefik" / "traefik.yml").read_text(),
            {
                '":80"': f'"127.0.0.1:{free_port()}"',
                '":443"': f'"127.0.0.1:{port}"',
                "/etc/traefik": str(folder),
                "180s": f"{ORDINARY_TIMEOUT}s",
            },
        )
    )
    with _running([program, f"--configFile={static}"], folder, port, certificate) as log:
        yield Proxy("traefik", f"https://127.0.0.1:{port}", certificate, log)


PROXIES: dict[str, Callable[[str, Path], AbstractContextManager[Proxy]]] = {
    "nginx": nginx,
    "haproxy": haproxy,
    "traefik": traefik,
}


def _program(name: str, remedy: str = "") -> str:
    found = shutil.which(name, path=f"{PATH}:{EXTRA_PROGRAMS}")
    if found is None:
        pytest.skip(f"{name} is not installed: {remedy or f'apt-get install {name}'}")
    return found


def _folder(certificate: Path, name: str) -> Path:
    folder = certificate.parent / name
    folder.mkdir()
    return folder


def _changed(text: str, changes: dict[str, str]) -> str:
    for before, after in changes.items():
        assert before in text, f"The example has no {before!r} any more."
        text = text.replace(before, after)
    return text


@contextmanager
def _running(command: list[str], folder: Path, port: int, certificate: Path) -> Iterator[Path]:
    """Run a proxy until it answers for the server; Traefik listens before it has its routes."""
    log, health = folder / "log", f"https://127.0.0.1:{port}/healthz"
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            with suppress(requests.RequestException):
                if requests.get(health, verify=str(certificate), timeout=5).ok:
                    break
            time.sleep(0.02)
        yield log
    finally:
        process.terminate()
        process.wait(START_TIMEOUT)
