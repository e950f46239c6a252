"""A database that loses its answers and its sessions: what was acknowledged is kept, once."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
import pytest
import requests

from streaming.redis.keys import StreamKeys
from tests.buckets import in_folder
from tests.catalog.conftest import ARROW, OCTETS, ipc
from tests.conftest import API_KEY
from tests.faults.postgresql_proxy import Proxy
from tests.servers import PROJECT, environment, running
from tiled_client import from_uri
from tiled_client.wire.structures import ArrayStructure, TableStructure
from tools.backends.pgbouncer import PROGRAM, own_pgbouncer
from tools.backends.postgresql_cluster import Cluster, own_cluster, postgresql_here
from tools.backends.valkey_server import Cache, own_cache

SCHEMA = pa.schema([("n", pa.int64())])
PATIENCE = 30.0


@dataclass
class Site:
    """A server, its database behind a proxy, and its cache."""

    uri: str
    cluster: Cluster
    proxy: Proxy
    cache: Cache
    folder: Path
    settings: dict[str, str]
    pooled: bool

    def send(
        self, method: str, path: str, body: bytes = b"", kind: str = OCTETS, key: str | None = None
    ) -> requests.Response:
        """Send one request, which nobody repeats."""
        headers = {"Authorization": f"Apikey {API_KEY}", "Content-Type": kind}
        if key:
            headers["Idempotency-Key"] = key
        return requests.request(
            method, f"{self.uri}/api/v1{path}", data=body, headers=headers, timeout=60
        )

    def table(self) -> str:
        """Make a table without rows; return its key."""
        key = f"t{uuid.uuid4().hex}"
        from_uri(self.uri, api_key=API_KEY).create_appendable_table(SCHEMA, key=key)
        return key

    def array(self, rows: int = 1) -> str:
        """Make an array of zeros, two wide; return its key."""
        key = f"x{uuid.uuid4().hex}"
        from_uri(self.uri, api_key=API_KEY).write_array(np.zeros((rows, 2), "i8"), key=key)
        return key

    def rows(self, key: str) -> list[int]:
        """Return the rows of a table, as soon as a worker that is asked has its database again."""
        address = f"/table/full/{key}?format={ARROW}"
        answers: list[Any] = []

        def answered() -> bool:
            answers.append(self.send("GET", address))
            return bool(answers[-1].status_code != 503)

        eventually(answered)
        return ipc_numbers(answers[-1].content)

    def column(self, key: str) -> list[int]:
        """Return the first number of each row of an array."""
        body = self.send("GET", f"/array/full/{key}?format={OCTETS}").content
        return [int(n) for n in np.frombuffer(body, "i8").reshape(-1, 2)[:, 0]]

    def streamed(self, path: str) -> list[dict[str, Any]]:
        """Return the messages in the stream of a node, without large payloads."""
        ((node,),) = self.cluster.execute("SELECT uuid FROM catalog_node WHERE path = %s", path)
        log = StreamKeys.of("tiled", node).log
        found = []
        for _, fields in self.cache.client.xrange(log):
            if b"frame" in fields:
                found.append(msgpack.unpackb(fields[b"frame"], timestamp=3))
            elif b"head" in fields:
                found.append({"large": True})
        return found

    def settled(self) -> None:
        """Wait until nothing is left in the outbox."""
        eventually(lambda: not self.cluster.execute("SELECT 1 FROM streaming_waiting"))


def eventually(holds: Any) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module", params=["direct", "pgbouncer"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """Two workers, which reach the database through a PgBouncer in transaction mode, or not."""
    if not postgresql_here():
        pytest.skip("no PostgreSQL binaries in /usr/lib/postgresql")
    if request.param == "pgbouncer" and PROGRAM is None:
        pytest.skip("PgBouncer is not installed")
    folder = tmp_path_factory.mktemp("faults")
    with own_cluster() as cluster, own_cache() as cache, contextlib.ExitStack() as surroundings:
        port = cluster.port
        if request.param == "pgbouncer":
            port = surroundings.enter_context(own_pgbouncer(cluster, "transaction"))
        proxy = Proxy(port)
        settings = {
            "TILED_DATABASE_URI": cluster.uri_at(proxy.port),
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_PREFIX": "tiled",
            "TILED_SINGLE_USER_API_KEY": API_KEY,
        }
        with running(folder, "serve", "--port", "0", "--workers", "2", **settings) as server:
            yield Site(
                server.uri.rstrip("/"),
                cluster,
                proxy,
                cache,
                folder,
                settings,
                port != cluster.port,
            )
        proxy.close()


def of(*numbers: int) -> bytes:
    """A body of rows of a table."""
    return ipc(pa.table({"n": list(numbers)}, schema=SCHEMA))


def append(site: Site, key: str, number: int, once: str | None = None) -> requests.Response:
    return site.send("PATCH", f"/table/partition/{key}?partition=0", of(number), ARROW, once)


def extend(site: Site, key: str, row: int, number: int, once: str) -> requests.Response:
    body = np.full((1, 2), number, "i8").tobytes()
    address = f"/array/full/{key}?offset={row},0&shape=1,2&extend=true"
    return site.send("PATCH", address, body, OCTETS, once)


def description(key: str, structure: ArrayStructure | TableStructure, family: str) -> bytes:
    source = {
        "structure_family": family,
        "structure": structure.to_json(),
        "management": "writable",
        "assets": [],
    }
    body = {
        "id": key,
        "structure_family": family,
        "metadata": {},
        "specs": [],
        "data_sources": [source],
    }
    return json.dumps(body).encode()


def test_a_write_whose_commit_was_not_answered_is_stored_and_streamed_once(site: Site) -> None:
    table, array, made = site.table(), site.array(), f"y{uuid.uuid4().hex}"
    before = len(site.streamed(""))
    zeros = ArrayStructure.from_array(np.zeros(2))
    steps = [
        lambda: append(site, table, 1, "first"),
        lambda: append(site, table, 2),
        lambda: append(site, table, 3, "third"),
        lambda: site.send("PUT", f"/table/full/{table}", of(4, 5), ARROW),
        lambda: extend(site, array, 1, 7, "grown"),
        lambda: site.send("PUT", f"/array/full/{array}", np.full((2, 2), 9).tobytes()),
        lambda: site.send(
            "POST", "/metadata/", description(made, zeros, "array"), "application/json"
        ),
        lambda: site.send("PUT", f"/array/full/{made}", np.ones(2).tobytes()),
        lambda: site.send("DELETE", f"/metadata/{made}?external_only=false"),
    ]
    dropped = site.proxy.dropped
    for step in steps:
        site.proxy.drop_next_answer()
        answer = step()
        assert answer.status_code == 200, answer.text
    # An overwrite of an array need not be in a transaction block.
    assert site.proxy.dropped >= dropped + len(steps) - 2
    assert append(site, table, 3, "third").status_code == 200, "known by its key"
    assert (site.rows(table), site.column(array)) == ([4, 5], [9, 9])
    site.settled()
    assert [len(site.streamed(path)) for path in (table, array)] == [4, 3]
    kinds = Counter(message["type"] for message in site.streamed("")[before:])
    assert kinds == {"container-child-created": 1, "container-child-deleted": 1}


def test_a_write_is_known_to_be_stored_after_others_have_streamed_it_for_its_writer(
    site: Site,
) -> None:
    table, answers, silence_ends = site.table(), list[requests.Response](), threading.Event()
    site.proxy.drop_next_answer(when=silence_ends)
    writer = threading.Thread(target=lambda: answers.append(append(site, table, 1)))
    writer.start()
    try:
        eventually(lambda: len(site.streamed(table)) == 1)
        site.settled()
    finally:
        silence_ends.set()
        writer.join()
    assert [answer.status_code for answer in answers] == [200]
    assert append(site, table, 2).status_code == 200
    site.settled()
    assert (site.rows(table), len(site.streamed(table))) == ([1, 2], 2)


def test_nothing_is_undone_while_the_database_does_not_say_what_happened(site: Site) -> None:
    table = site.table()
    assert append(site, table, 1).status_code == 200
    site.proxy.drop_next_answer(then_away=True)
    unknown = append(site, table, 2, "second")
    assert (unknown.status_code, unknown.headers.get("Retry-After")) == (503, None)
    assert "did not respond" in unknown.json()["detail"]
    site.proxy.come_back()
    eventually(lambda: append(site, table, 2, "second").status_code == 200)
    assert site.rows(table) == [1, 2]
    site.settled()
    assert len(site.streamed(table)) == 2


PAUSED = """
import os, signal, sys
from catalog.services import commits
from catalog.services.arrays import dense
from catalog.services.stores.write_plans import Growth
from catalog.services.tables import writing
from catalog.storage import tables as files
from catalog.storage.arrays import ArrayStore
from catalog.services.uploads import Upload

def pausing(function):
    def paused(*args, **kwargs):
        print("paused", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
        return function(*args, **kwargs)
    return paused

family, path, body, before = sys.argv[1:]
if before == "record":
    commits.record = pausing(commits.record)
elif before == "apply":
    ArrayStore.apply = pausing(ArrayStore.apply)
else:
    files.append = pausing(files.append)
    ArrayStore.write_region = pausing(ArrayStore.write_region)
content = bytes.fromhex(body)
try:
    if family == "table":
        upload = Upload(content, "application/vnd.apache.arrow.file", True)
        writing.append_rows(path=path, partition=0, upload=upload)
    elif family == "growth":
        upload = Upload(content, "application/octet-stream", True)
        dense.write_patch(path=path, offset=(1, 0), shape=(3, 2), growth=Growth.ALL, upload=upload)
    elif family == "full":
        upload = Upload(content, "application/octet-stream", True)
        dense.write_full(path=path, upload=upload)
    elif family == "overlap":
        upload = Upload(content, "application/octet-stream", True)
        dense.write_patch(path=path, offset=(1, 0), shape=(2, 2), growth=Growth.ALL, upload=upload)
    else:
        upload = Upload(content, "application/octet-stream", True)
        dense.write_patch(path=path, offset=(0, 0), shape=(1, 2), growth=Growth.NONE, upload=upload)
except Exception as error:
    print(type(error).__name__, flush=True)
else:
    print("stored", flush=True)
"""


@in_folder
@pytest.mark.parametrize("family", ["table", "growth", "overwrite"])
def test_a_writer_that_lost_its_session_harms_nothing_that_others_wrote(
    site: Site, family: str
) -> None:
    key = site.table() if family == "table" else site.array()
    if family == "table":
        assert append(site, key, 1).status_code == 200
        body = of(7, 7, 7)
    else:
        body = np.full((3 if family == "growth" else 1, 2), 7, "i8").tobytes()
    with paused_writer(site, family, key, body) as writer:
        ended = site.cluster.end_sessions(
            "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
        )
        assert ended == 1
        for number in (2, 3):
            answer = (
                append(site, key, number)
                if family == "table"
                else extend(site, key, number - 1, number, f"{number}")
            )
            assert answer.status_code == 200, answer.text
        writer.send_signal(signal.SIGCONT)
        assert writer.stdout is not None
        assert writer.stdout.read().strip() != "stored"
    assert append(site, key, 4).status_code == 200 if family == "table" else True
    found = site.rows(key) if family == "table" else site.column(key)
    assert found == ([1, 2, 3, 4] if family == "table" else [0, 2, 3])
    site.settled()
    assert len(site.streamed(key)) == (4 if family == "table" else 3)


@contextlib.contextmanager
def paused_writer(
    site: Site, family: str, key: str, body: bytes, before: str = "write"
) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock of a node, and is stopped before it writes, or a later step."""
    script = site.folder / "paused.py"
    script.write_text(
        "import os, django\n"
        'os.environ["DJANGO_SETTINGS_MODULE"] = "tiledproject.settings"\n'
        "django.setup()\n" + PAUSED
    )
    process = subprocess.Popen(
        [sys.executable, str(script), family, key, body.hex(), before],
        cwd=PROJECT,
        env=environment(site.folder, PYTHONPATH=str(PROJECT), **site.settings),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "paused\n"
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        process.stdout.close()


@in_folder
@pytest.mark.parametrize(("place", "fate"), [("full", "lost its session"), ("overlap", "killed")])
def test_an_overwrite_that_does_not_come_to_its_commit_is_never_seen(
    site: Site, place: str, fate: str
) -> None:
    key = site.array()
    assert extend(site, key, 1, 1, "1").status_code == 200
    with paused_writer(site, place, key, seven(place), before="record") as writer:
        assert site.column(key) == [0, 1]
        cut_off(site, writer, fate)
    assert site.column(key) == [0, 1]
    assert extend(site, key, 2, 2, "2").status_code == 200
    site.settled()
    assert (site.column(key), len(site.streamed(key))) == ([0, 1, 2], 3)


@in_folder
@pytest.mark.parametrize(
    ("place", "fate", "found_by"),
    [
        ("full", "killed", "drain"),
        ("overlap", "killed", "writer"),
        ("full", "lost its session", "drain"),
        ("overwrite", "lost its session", "writer"),
    ],
)
def test_an_overwrite_that_was_cut_off_after_its_commit_is_there_before_it_is_announced(
    site: Site, place: str, fate: str, found_by: str
) -> None:
    key = site.array()
    assert extend(site, key, 1, 1, "1").status_code == 200
    after = {"full": [7, 7], "overwrite": [7, 1], "overlap": [0, 7, 7]}[place]
    with paused_writer(site, place, key, seven(place), before="apply") as writer:
        if fate == "killed":
            cut_off(site, writer, fate)
        else:
            end_writers(site)
        if found_by == "writer":
            assert extend(site, key, len(after), 2, "2").status_code == 200
            after = [*after, 2]
            assert site.column(key) == after
        site.settled()
        assert site.column(key) == after
        told = len(site.streamed(key))
        cut_off(site, writer, "let go")
    assert told == (4 if found_by == "writer" else 3)
    assert append_last(site, key, len(after)) == [*after, 9]
    site.settled()
    assert len(site.streamed(key)) == told + 1


def seven(place: str) -> bytes:
    """The body of an overwrite of an array of two rows with sevens."""
    return np.full((1 if place == "overwrite" else 2, 2), 7, "i8").tobytes()


def append_last(site: Site, key: str, row: int) -> list[int]:
    """Append a last row; return the column."""
    assert extend(site, key, row, 9, "last").status_code == 200
    return site.column(key)


def end_writers(site: Site) -> None:
    """End the sessions that hold the lock of a node; after the commit, a pooler has none."""
    ended = site.cluster.end_sessions(
        "pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
    )
    assert ended or site.pooled


def cut_off(site: Site, writer: subprocess.Popen[str], fate: str) -> None:
    """Let a writer that is stopped go no further, or find out that it has no session."""
    if fate == "killed":
        writer.kill()
        writer.wait()
        return
    if fate == "lost its session":
        end_writers(site)
    writer.send_signal(signal.SIGCONT)
    assert writer.stdout is not None
    assert fate == "let go" or writer.stdout.read().strip() != "stored"
    writer.wait()


class Writers:
    """Four append to one table, one extends an array, one changes metadata, until it is taken.

    A subscriber of the table notes what it receives.
    """

    def __init__(self, site: Site) -> None:
        self.table, self.array = site.table(), site.array()
        self.acknowledged: list[int] = []
        self.grown: list[int] = []
        self.described: list[int] = []
        self.received: list[int] = []
        self._site = site
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._append, args=(n,)) for n in range(4)]
        self._threads += [threading.Thread(target=work) for work in (self._grow, self._describe)]
        self._subscriber = threading.Thread(target=self._follow, daemon=True)
        self._subscriber.start()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def close_stream(self) -> None:
        """Close the stream of the table, and wait until the subscriber has reached the end."""
        repeated(lambda: self._site.send("DELETE", f"/stream/close/{self.table}"))
        self._subscriber.join(PATIENCE)

    def _follow(self) -> None:
        table = from_uri(self._site.uri, api_key=API_KEY)[self.table]
        for update in table.updates(start=0):
            self.received += update.data()["n"].tolist()

    def _describe(self) -> None:
        address = f"/metadata/{self.array}?drop_revision=true"
        while not self._stopping.is_set():
            number = len(self.described) + 1
            body = json.dumps({"metadata": {"n": number}}).encode()
            repeated(lambda body=body: self._site.send("PUT", address, body, "application/json"))
            self.described.append(number)

    def _append(self, writer: int) -> None:
        number = writer
        while not self._stopping.is_set():
            repeated(lambda n=number: append(self._site, self.table, n, f"n{n}"))
            self.acknowledged.append(number)
            number += 4

    def _grow(self) -> None:
        while not self._stopping.is_set():
            row = len(self.grown) + 1
            repeated(lambda row=row: extend(self._site, self.array, row, row, f"r{row}"))
            self.grown.append(row)


def repeated(write: Callable[[], requests.Response]) -> None:
    """Send a write until it is acknowledged."""
    eventually(lambda: write().status_code == 200)


def test_what_is_acknowledged_is_kept_once_while_sessions_end_at_random(site: Site) -> None:
    writers = Writers(site)
    chance, end = random.Random(8), time.monotonic() + 4
    while time.monotonic() < end:
        site.cluster.end_sessions("random() < 0.3")
        time.sleep(chance.uniform(0.02, 0.2))
    writers.stop()
    assert writers.acknowledged
    assert writers.grown
    assert sorted(site.rows(writers.table)) == sorted(writers.acknowledged)
    assert site.column(writers.array) == [0, *writers.grown]
    site.settled()
    writers.close_stream()
    told = [n for message in site.streamed(writers.table) for n in ipc_numbers(message["payload"])]
    assert told == site.rows(writers.table), "in the order of storage"
    assert writers.received == told
    # A change of metadata has no key: one whose outcome was unknown was repeated.
    changes = [m["metadata"]["n"] for m in site.streamed("") if is_change(m, writers.array)]
    assert sorted(set(changes)) == writers.described
    assert changes == sorted(changes)
    assert len(site.streamed(writers.array)) == len(writers.grown) + 1


def is_change(message: dict[str, Any], key: str) -> bool:
    """Return whether a message is about the changed metadata of the node with this key."""
    return message["type"] == "container-child-metadata-updated" and message["key"] == key


def ipc_numbers(body: bytes) -> list[int]:
    """Return the rows in a body."""
    return list(pa.ipc.open_file(body).read_all()["n"].to_pylist())
