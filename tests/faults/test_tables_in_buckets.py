"""Tables in a bucket while rows are moved from the database to objects: every row is there once."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import requests

from tests.buckets import Service
from tests.catalog.conftest import ARROW, ipc
from tests.conftest import API_KEY
from tests.servers import RunningServer, own_database, running
from tiled_client import TableClient, from_uri

from .bucket_proxy import BucketProxy

SCHEMA = pa.schema([("n", pa.int64()), ("filler", pa.binary(50_000))])
ROWS = 10
START = ("serve", "--port", "0", "--workers", "2")


@pytest.fixture
def proxy(buckets: Service) -> Iterator[BucketProxy]:
    proxy = BucketProxy(buckets.endpoint)
    yield proxy
    proxy.close()


class Producer:
    """Appends rows with ascending numbers until a request fails; `stored` were acknowledged."""

    def __init__(self, server: RunningServer, first: int) -> None:
        self.server, self.first, self.stored = server, first, first
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        address = f"{self.server.uri.rstrip('/')}/api/v1/table/partition/t?partition=0"
        headers = {"Authorization": f"Apikey {API_KEY}", "Content-Type": ARROW}
        with contextlib.suppress(requests.RequestException), requests.Session() as session:
            for start in itertools.count(self.first, ROWS):
                numbers = list(range(start, start + ROWS))
                filler = [np.random.default_rng(0).bytes(50_000)] * ROWS
                body = ipc(pa.table({"n": numbers, "filler": filler}, SCHEMA))
                session.patch(address, data=body, headers=headers, timeout=60).raise_for_status()
                self.stored = start + ROWS


def numbers(server: RunningServer) -> list[int]:
    table = from_uri(server.uri, api_key=API_KEY)["t"]
    assert isinstance(table, TableClient)
    return [int(n) for n in table.read(columns=["n"])["n"]]


def test_a_killed_server_leaves_every_acknowledged_row_once(
    tmp_path: Path, buckets: Service, proxy: BucketProxy
) -> None:
    settings = buckets.settings(endpoint=proxy.endpoint)
    with own_database() as database:
        settings |= {"TILED_SINGLE_USER_API_KEY": API_KEY, **database}
        first = 0
        for stop in ("before", "after"):
            with running(tmp_path, *START, **settings) as server:
                if not first:
                    from_uri(server.uri, api_key=API_KEY).create_appendable_table(SCHEMA, key="t")
                proxy.arm(stop)
                producer = Producer(server, first)
                assert proxy.stopped.wait(60)
                # While an object is put, its rows are in the database.
                assert numbers(server)[: producer.stored] == list(range(producer.stored))
                for process in server.processes():
                    process.kill()
                producer.thread.join()
                proxy.disarm()
            with running(tmp_path, *START, **settings) as server:
                found = numbers(server)
                assert found == list(range(len(found)))
                assert producer.stored <= len(found) <= producer.stored + ROWS
                first = len(found)
                assert server.manage("verify").returncode == 0


def test_appends_go_on_while_the_bucket_cannot_be_reached(
    tmp_path: Path, buckets: Service, proxy: BucketProxy
) -> None:
    settings = buckets.settings(endpoint=proxy.endpoint)
    with own_database() as database:
        settings |= {"TILED_SINGLE_USER_API_KEY": API_KEY, **database}
        settings["TILED_STORAGE_RETRY_TIMEOUT"] = "0"
        settings["TILED_STORAGE_REQUEST_TIMEOUT"] = "1"
        with running(tmp_path, *START, **settings) as server:
            from_uri(server.uri, api_key=API_KEY).create_appendable_table(SCHEMA, key="t")
            proxy.arm("before")
            producer = Producer(server, 0)
            assert proxy.stopped.wait(60)
            begun = producer.stored
            while producer.stored < begun + 2 * ROWS:
                assert producer.thread.is_alive()
                producer.thread.join(0.05)
            proxy.disarm()
            while not list(
                buckets.store(settings["TILED_STORAGE_URI"].rpartition("/")[2]).list_objects("")
            ):
                assert producer.thread.is_alive()
                producer.thread.join(0.05)
            server.stop()
            producer.thread.join()
        with running(tmp_path, *START, **settings) as server:
            found = numbers(server)
            assert found == list(range(len(found)))
            assert len(found) >= producer.stored
