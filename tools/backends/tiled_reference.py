"""The reference: a real Tiled 0.2.20, in a separate environment.

The environment is made once per machine, from PyPI, and kept in the user's cache folder.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from uv import find_uv_bin

from .ports import free_port

# bluesky, with what it writes through and devices to play with, as a beamline has them; and what
# this project's client needs beside these.
REQUIREMENTS = (
    "tiled[all]==0.2.20",
    "bluesky>=1.15,<1.16",
    "bluesky-tiled-plugins==2.0.12",
    "ophyd>=1.11,<1.12",
    "ophyd-async[sim]>=0.21,<0.22",
    "requests>=2.31,<3",
)
START_TIMEOUT = 90.0


@dataclass(frozen=True)
class TiledServer:
    """A running reference server."""

    uri: str
    api_key: str
    readable: Path
    """Where files lie that may be registered."""
    process: subprocess.Popen[bytes]


def reference_python() -> Path:
    """Return the interpreter of Tiled's environment, which is created if there is none."""
    folder = _cache_folder() / "tiled-reference-0.2.20"
    python, complete = folder / "bin" / "python", folder / ".complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    # An environment cannot be renamed once made, so the others wait for the one who makes it.
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        wanted = "\n".join(REQUIREMENTS)
        if not complete.exists() or complete.read_text() != wanted:
            # In seconds, for which pip takes a minute.
            install = (find_uv_bin(), "pip", "install", "--quiet", "--python", str(python))
            subprocess.run([*install, *REQUIREMENTS], check=True)
            complete.write_text(wanted)
    return python


def reference_environment() -> dict[str, str]:
    """Return the environment without settings of this project: Tiled reads the same variables."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TILED_")}


@contextmanager
def tiled_server(folder: Path) -> Iterator[TiledServer]:
    """Run a reference server with a temporary catalog and a stream cache in memory."""
    readable = folder / "readable"
    readable.mkdir(parents=True, exist_ok=True)
    port, api_key = free_port(), f"secret{secrets.token_hex(8)}"
    log = folder / "tiled.log"
    command = [
        *(str(reference_python()), "-m", "tiled", "serve", "catalog", "--temp"),
        *("--host", "127.0.0.1", "--port", str(port), "--api-key", api_key),
        *("--read", str(readable)),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=reference_environment(),
        )
    try:
        uri = f"http://127.0.0.1:{port}"
        _wait_until_ready(f"{uri}/healthz", process, log)
        yield TiledServer(uri, api_key, readable, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def tiled_reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TiledServer]:
    """Run a reference server that the whole session shares: use distinct keys."""
    with tiled_server(tmp_path_factory.mktemp("tiled")) as server:
        yield server


def _cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310  an address of this machine
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Tiled did not start:\n{log.read_text(errors='replace')[-4000:]}")
