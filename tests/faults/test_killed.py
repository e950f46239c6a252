"""A server that is killed between the commit of a write and its announcement."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import pyarrow as pa
import requests

from tests.catalog.conftest import ARROW, ipc
from tests.conftest import API_KEY
from tests.servers import RunningServer, running
from tiled_client import TableClient, from_uri
from tools.backends.valkey_server import own_cache

SCHEMA = pa.schema([("n", pa.int64())])


def test_what_a_killed_server_has_stored_is_streamed_once_by_the_next(tmp_path: Path) -> None:
    with own_cache() as cache:
        settings = {
            "TILED_STREAMING_CACHE_URI": cache.uri,
            "TILED_STREAMING_CACHE_PREFIX": "tiled",
            "TILED_SINGLE_USER_API_KEY": API_KEY,
        }
        start = ("serve", "--port", "0", "--workers", "1")
        with running(tmp_path, *start, **settings) as server:
            client = from_uri(server.uri, api_key=API_KEY)
            table = client.create_appendable_table(SCHEMA, key="t")
            table.append({"n": [1]})
            cache.hang()  # it takes the update, and nobody hears of it
            appending = threading.Thread(target=append, args=(server, 2))
            appending.start()
            eventually(lambda: stored(table) == [1, 2])
            for process in server.processes():
                process.kill()
            appending.join()
            cache.go_on()
        with running(tmp_path, *start, **settings) as server:
            found = from_uri(server.uri, api_key=API_KEY)["t"]
            assert isinstance(found, TableClient)
            told: list[int] = []
            with found.subscribe() as subscription:
                subscription.new_data.add_callback(lambda update: told.extend(numbers(update)))
                subscription.start_in_thread(0)
                found.append({"n": [3]})
                eventually(lambda: 3 in told)
            assert told == stored(found) == [1, 2, 3]


def numbers(update: object) -> list[int]:
    data = update.data()  # type: ignore[attr-defined]
    return [int(n) for n in data["n"]]


def append(server: RunningServer, number: int) -> None:
    body = ipc(pa.table({"n": [number]}, schema=SCHEMA))
    headers = {"Authorization": f"Apikey {API_KEY}", "Content-Type": ARROW}
    address = f"{server.uri.rstrip('/')}/api/v1/table/partition/t?partition=0"
    with contextlib.suppress(requests.RequestException):
        requests.patch(address, data=body, headers=headers, timeout=30)


def stored(table: TableClient) -> list[int]:
    return [int(n) for n in table.read()["n"]]


def eventually(holds: object) -> None:
    deadline = time.monotonic() + 30
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)
