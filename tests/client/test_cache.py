"""The cache of responses: conditional requests, bounds, principals, and damage of its file."""

from __future__ import annotations

import pickle
import secrets
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.client.fake_servers import HttpPeer, Reply
from tests.conftest import API_KEY, PASSWORDS
from tests.forked_process import forked
from tests.servers import RunningServer
from tiled_client import AsyncClient, Cache, Container, from_profile, from_uri
from tiled_client.http.cache.entry import CachedResponse
from tiled_client.http.requests_transport import RequestsTransport

FILE = "responses.sqlite"


@pytest.fixture
def statuses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The statuses that the server answers with, in order."""
    found: list[int] = []
    exchange = RequestsTransport.exchange

    async def recording(self: Any, *args: Any) -> Any:
        response = await exchange(self, *args)
        found.append(response.status)
        return response

    monkeypatch.setattr(RequestsTransport, "exchange", recording)
    return found


@pytest.fixture(params=["memory", "disk"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Cache:
    return Cache(None if request.param == "memory" else tmp_path / "c")


@pytest.fixture
def folder(server: RunningServer) -> Container:
    """A container of the test's own, whose client has no cache."""
    root = from_uri(server.uri, API_KEY, cache=False)
    made: Container = root.create_container(f"t{secrets.token_hex(6)}")
    return made


def test_what_the_server_confirms_is_reused(
    folder: Container, cache: Cache, statuses: list[int]
) -> None:
    folder.write_array(np.arange(1000), key="x")
    node = from_uri(folder.uri, API_KEY, cache=cache)
    first = [node["x"].read(), node["x"].metadata, list(node)]
    statuses.clear()
    hits = cache.hits
    again = [node["x"].read(), node["x"].metadata, list(node)]
    assert set(statuses) == {304}
    assert np.array_equal(first[0], again[0])
    assert first[1:] == again[1:]
    assert cache.hits - hits == len(statuses)
    assert cache.reused_bytes > 8000
    assert f"{len(cache)} entries" in repr(node.cache)
    cache.clear()
    statuses.clear()
    node["x"].read()
    assert set(statuses) == {200}


def test_what_was_changed_is_never_out_of_date(folder: Container, cache: Cache) -> None:
    x = folder.write_array(np.zeros(3), key="x", metadata={"n": -1})
    reader = from_uri(folder.uri, API_KEY, cache=cache)
    for n in range(5):
        x.write(np.full(3, float(n)))
        x.update_metadata({"n": n})
        for _ in range(2):
            assert reader["x"].read().tolist() == [n] * 3
            assert reader["x"].metadata["n"] == n
    folder["x"].delete(external_only=False)
    folder.write_array(np.zeros(3), key="x", metadata={"n": 4})
    assert reader["x"].read().tolist() == [0, 0, 0]
    folder["x"].delete(external_only=False)
    assert "x" not in reader
    assert list(reader) == []


def test_a_node_that_took_the_place_of_an_equal_one_is_another(
    folder: Container, cache: Cache
) -> None:
    reader = from_uri(folder.uri, API_KEY, cache=cache)
    ids = []
    for _ in range(2):
        folder.write_array(np.zeros(3), key="x")
        ids += [reader["x"]._resource.node_id for _ in range(2)]
        folder["x"].delete(external_only=False)
    assert ids[0] == ids[1] != ids[2] == ids[3]


async def test_the_asyncio_client_reuses_responses_too(folder: Container, cache: Cache) -> None:
    folder.write_array(np.arange(10), key="x")
    async with AsyncClient(folder.uri, API_KEY, cache=cache) as node:
        read = [await (await node["x"]).read() for _ in range(2)]
    assert np.array_equal(*read)
    assert cache.hits == 2


def test_principals_do_not_share_what_is_on_disk(
    multiuser_server: RunningServer, tmp_path: Path, statuses: list[int]
) -> None:
    uri = multiuser_server.uri
    ada = from_uri(uri, username="ada", password=PASSWORDS["ada"], remember=False, cache=False)
    keys = [ada.create_api_key()["secret"] for _ in range(2)]
    for key in keys:
        from_uri(uri, key, cache=tmp_path)
        statuses.clear()
        from_uri(uri, key, cache=tmp_path)
        assert statuses.count(304) == 1
    for name in ("alice", "bob"):
        cache = Cache(tmp_path)
        before = len(cache)
        for _ in range(2):
            from_uri(uri, username=name, password=PASSWORDS[name], remember=False, cache=cache)
        assert len(cache) == before + 1
        assert cache.hits == 1
    file = tmp_path / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    content = file.read_bytes()
    assert not any(key.encode() in content for key in keys)


def test_what_must_not_be_kept_is_not(http_peer: HttpPeer) -> None:
    cache = Cache(max_item_bytes=100)
    http = http_peer.http(cache=cache)
    kept = Reply(value=1, headers={"ETag": "1"})
    for reply in (
        Reply(value=1),
        Reply(value=1, headers={"ETag": "1", "Cache-Control": "private, no-store"}),
        Reply(value="x" * 200, headers={"ETag": "1"}),
        Reply(404, {"detail": "no"}, headers={"ETag": "1"}),
        kept,
    ):
        assert len(cache) == 0
        http_peer.gives(reply)
        if reply.status == 200:
            http.get("metadata", ("x",))
    assert len(cache) == 1
    http_peer.gives(Reply(304, headers={"ETag": "1"}, body=b""))
    assert http.get("metadata", ("x",)).value() == 1
    assert http_peer.exchanges[-1].headers["If-None-Match"] == "1"
    http_peer.gives(kept)
    http.get("metadata", ("x",), accept="application/json")
    http.get("metadata", ("x",), params={"a": "b"})
    assert not any("If-None-Match" in each.headers for each in http_peer.exchanges[-2:])


@pytest.mark.parametrize("place", ["memory", "disk"])
def test_what_was_not_used_for_longest_makes_room(place: str, tmp_path: Path) -> None:
    bound = 400_000
    cache = Cache(None if place == "memory" else tmp_path, max_bytes=bound, max_item_bytes=20_000)
    for n in range(100):
        cache.keep(f"{n}".encode(), CachedResponse("t", "m", secrets.token_bytes(10_000)))
        assert cache.find(b"0") is not None
        assert cache.used_bytes <= bound
    assert 15 <= len(cache) < 40
    assert cache.find(b"99") is not None
    assert cache.find(b"50") is None
    if place == "disk":
        assert (tmp_path / FILE).stat().st_size <= bound
    cache.keep(b"large", CachedResponse("t", "m", bytes(20_001)))
    assert cache.find(b"large") is None
    cache.clear()
    assert len(cache) == 0


@pytest.mark.parametrize("offset", [0, 100, 4096, 40_000, -3000])
def test_a_damaged_file_is_replaced(tmp_path: Path, offset: int) -> None:
    cache = Cache(tmp_path)
    for n in range(20):
        cache.keep(f"{n}".encode(), CachedResponse("t", "m", b"a" * 10_000))
    del cache
    content = bytearray((tmp_path / FILE).read_bytes())
    content[offset : offset + 2000 if offset >= 0 else None] = b"\xa5" * (
        2000 if offset >= 0 else 3000
    )
    (tmp_path / FILE).write_bytes(content)
    again = Cache(tmp_path)
    with pytest.warns(RuntimeWarning, match="damaged and was emptied"):
        found = [again.find(f"{n}".encode()) for n in range(20)]
    assert all(entry is None or entry.body == b"a" * 10_000 for entry in found)
    again.keep(b"new", CachedResponse("t", "m", b"b"))
    assert again.find(b"new") == Cache(tmp_path).find(b"new") == CachedResponse("t", "m", b"b")


USE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from tiled_client import Cache
from tiled_client.http.cache.entry import CachedResponse

cache = Cache(sys.argv[1], max_bytes=300_000)

def use(n):
    name = str(n % 50).encode()
    entry = cache.find(name)
    assert entry is None or entry.body == name * 1000
    cache.keep(name, CachedResponse("t", "m", name * 1000))
    return entry is not None

with ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(use, range(400))))
"""


def test_threads_and_processes_share_a_file(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", USE, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert all(int(count) > 0 for count in found)
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("place", ["memory", "disk"])
def test_forked_processes_use_a_cache_that_threads_are_using(place: str, tmp_path: Path) -> None:
    cache = Cache(None if place == "memory" else tmp_path)
    done = threading.Event()

    def use() -> None:
        while not done.is_set():
            cache.keep(b"1", CachedResponse("t", "m", bytes(5000)))
            cache.find(b"1")

    def use_in_child() -> bool:
        cache.keep(b"2", CachedResponse("t", "m", b"2"))
        return cache.find(b"2") is not None

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(use)
        try:
            assert all(forked(use_in_child, seconds=20) for _ in range(10))
        finally:
            done.set()
        future.result()


def test_threads_share_memory() -> None:
    cache = Cache(max_bytes=100_000)

    def use(n: int) -> None:
        name = str(n % 50).encode()
        cache.keep(name, CachedResponse("t", "m", name * 1000))
        found = cache.find(name)
        assert found is None or found.body == name * 1000

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(5000)))
    assert cache.used_bytes == sum(
        entry.size for n in range(50) if (entry := cache.find(str(n).encode()))
    )


def test_a_locked_file_delays_no_request_for_long(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    cache.keep(b"1", CachedResponse("t", "m", b"1"))
    with sqlite3.connect(tmp_path / FILE) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert cache.find(b"1") is None
    assert cache.find(b"1") is not None


def test_a_pickle_has_the_place_of_a_cache_and_nothing_of_it(
    folder: Container, cache: Cache
) -> None:
    node = from_uri(folder.uri, API_KEY, cache=cache)
    cache.keep(b"1", CachedResponse("t", "m", b"body"))
    content = pickle.dumps(node)
    assert b"body" not in content
    code = (
        "import pickle, sys; node = pickle.load(sys.stdin.buffer); node.refresh(); "
        "print(len(node.cache), node.cache.hits)"
    )
    out = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True)
    assert out.returncode == 0, out.stderr
    # One on disk was there already, with the metadata of the node.
    assert out.stdout.split() == ([b"1", b"0"] if cache.folder is None else [b"2", b"1"])


def test_a_read_only_cache_is_not_changed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Cache(tmp_path, readonly=True)
    Cache(tmp_path).keep(b"1", CachedResponse("t", "m", b"1"))
    before = (tmp_path / FILE).read_bytes()
    cache = Cache(tmp_path, readonly=True)
    assert cache.find(b"1") is not None
    cache.keep(b"2", CachedResponse("t", "m", b"2"))
    assert cache.find(b"2") is None
    with pytest.raises(ValueError, match="read-only"):
        cache.clear()
    assert (tmp_path / FILE).read_bytes() == before


def test_a_profile_sets_the_cache(
    folder: Container, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_PROFILES", str(tmp_path))
    file = tmp_path / "shared.db"
    (tmp_path / "p.yml").write_text(
        f"p:\n  uri: {folder.uri}\n  api_key: {API_KEY}\n"
        f"  cache: {{filepath: {file}, capacity: 1000000, max_item_size: 5000}}\n"
        f"none:\n  uri: {folder.uri}\n  api_key: {API_KEY}\n  cache: false\n"
    )
    cache = from_profile("p").cache
    assert (cache.folder, cache.max_bytes, cache.max_item_bytes) == (
        tmp_path / "shared.tiled-client",
        1_000_000,
        5000,
    )
    assert len(cache) == 1
    assert not file.exists()
    assert from_profile("none").cache is None
    assert from_profile("p", cache=False).cache is None
    assert from_profile("p", cache=tmp_path / "own").cache.folder == tmp_path / "own"


def test_wrong_arguments_are_rejected(tmp_path: Path) -> None:
    for arguments in ({"max_bytes": 0}, {"max_item_bytes": -1}, {"readonly": True}):
        with pytest.raises(ValueError):
            Cache(**arguments)
    with pytest.raises(TypeError, match="cache must be"):
        from_uri("http://localhost:1", cache=1)  # type: ignore[arg-type]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OSError):
        Cache(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
