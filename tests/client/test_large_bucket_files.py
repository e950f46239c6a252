"""A large file in a bucket is read by the part: the memory of the server stays small."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py
import psutil
import pytest

from tests.buckets import Service
from tests.catalog.bucket_folder import make_folder
from tests.servers import RunningServer, own_database, running
from tiled_client import ArrayClient, from_uri

FRAMES, SIDE = 80, 1024
SIZE = FRAMES * SIDE * SIDE * 4
# Blocks that are cached (64 MiB) and an answer of the most bytes (32 MiB), in two processes.
LIMIT = 160 << 20


class Watch:
    """The most memory that all processes of a server have had, beyond that of the beginning."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server
        self._before = self.now()
        self.growth = 0

    def now(self) -> int:
        total = 0
        for process in self._server.processes():
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total

    def sample(self) -> None:
        self.growth = max(self.growth, self.now() - self._before)


@contextmanager
def watched(server: RunningServer) -> Iterator[Watch]:
    """Sample the memory in a block, ten times per second."""
    watch, ended = Watch(server), threading.Event()

    def run() -> None:
        while not ended.wait(0.1):
            watch.sample()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield watch
    finally:
        ended.set()
        thread.join()


@pytest.fixture(scope="module")
def large(
    buckets: Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[RunningServer, ArrayClient]]:
    """A server, and a registered file of 320 MB, whose frames have their number as elements."""
    folder, path = make_folder(buckets), tmp_path_factory.mktemp("large") / "large.h5"
    with h5py.File(path, "w") as file:
        frames = file.create_dataset("frames", (FRAMES, SIDE, SIDE), "u4")
        for number in range(FRAMES):
            frames[number] = number
    with path.open("rb") as opened:
        pieces = iter(lambda: opened.read(1 << 20), b"")
        assert folder.store.put_stream(path.name, pieces) > SIZE
    path.unlink()
    settings = {
        "TILED_STORAGE_ENDPOINT": buckets.endpoint,
        "AWS_ACCESS_KEY_ID": buckets.key,
        "AWS_SECRET_ACCESS_KEY": buckets.secret,
    }
    options = ("--port", "0", "--workers", "1", "--api-key", "secret", "--read", str(folder.path))
    with (
        own_database() as database,
        running(path.parent, "serve", *options, **settings, **database) as server,
    ):
        root = from_uri(server.uri, api_key="secret")
        file = root.register(f"{folder.path}/large.h5")
        assert file["frames"][0, 0, 0] == 0  # processes have loaded what they need
        yield server, file


def read_by_frames(file: ArrayClient) -> None:
    for number in range(FRAMES):
        frame = file["frames"][number]
        assert (frame == number).all()


def read_columns(file: ArrayClient) -> None:
    assert file["frames"][:, ::512, 7].tolist() == [[n, n] for n in range(FRAMES)]


def download(file: ArrayClient) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (path,) = file.raw_export(Path(folder))
        with h5py.File(path) as opened:
            assert opened["frames"][FRAMES - 1, 3, 3] == FRAMES - 1


@pytest.mark.parametrize("read", [read_by_frames, read_columns, download])
def test_the_memory_of_the_server_does_not_depend_on_the_size_of_an_object(
    large: tuple[RunningServer, ArrayClient], read: Callable[[ArrayClient], None]
) -> None:
    server, file = large
    with watched(server) as watch:
        read(file)
    assert watch.growth < LIMIT <= SIZE // 2
