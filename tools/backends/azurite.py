"""An Azurite, which speaks the protocol of Azure Blob Storage: `azurite-blob` of npm."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import formatdate

import requests

from .ports import free_port

CONTAINER = "data"
# The account that every Azurite has.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
START_TIMEOUT = 60.0
VERSION = "2021-08-06"


def azurite_here() -> bool:
    """Return whether `azurite-blob` is on the PATH."""
    return shutil.which("azurite-blob") is not None


@contextmanager
def own_azurite() -> Iterator[str]:
    """Run an Azurite with CONTAINER, and end it afterwards; yield its endpoint."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
    options = ("--blobPort", str(port), "--silent", "--disableTelemetry", "--skipApiVersionCheck")
    with tempfile.TemporaryDirectory(prefix="tiled-azurite-") as folder:
        process = subprocess.Popen(
            ["azurite-blob", "--location", folder, *options],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _create_container(endpoint, process)
            yield endpoint
        finally:
            process.terminate()
            process.wait()


def _create_container(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(requests.ConnectionError):
            address = f"{endpoint}/{CONTAINER}?restype=container"
            requests.put(address, headers=_signed_headers(), timeout=10).raise_for_status()
            return
        time.sleep(0.05)
    raise RuntimeError(f"Azurite does not answer at {endpoint}")


def _signed_headers() -> dict[str, str]:
    """Return the headers of a request that creates the container, signed with the shared key."""
    date = formatdate(usegmt=True)
    lines = ["PUT", *[""] * 11, f"x-ms-date:{date}", f"x-ms-version:{VERSION}"]
    lines += [f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}", "restype:container"]
    digest = hmac.new(base64.b64decode(KEY), "\n".join(lines).encode(), hashlib.sha256).digest()
    return {
        "x-ms-date": date,
        "x-ms-version": VERSION,
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
    }
