"""Changes with Tiled's own client: revisions, files as they are, deletion; and many at once."""

from __future__ import annotations

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import requests

from tests.servers import RunningServer
from tiled_client import from_uri

from .client_processes import TILED, ClientProcesses


def test_the_unmodified_client_describes_exports_and_deletes(
    server: RunningServer, readable: Path, client_processes: ClientProcesses
) -> None:
    key = f"d{secrets.token_hex(4)}"
    folder = readable / key
    (folder / "several" / "deep").mkdir(parents=True)
    (folder / "one").write_bytes(b"1")
    (folder / "several" / "deep" / "two").write_bytes(b"2")
    writer = client_processes.process("writer", TILED)
    writer.run("describe_and_export", server.uri, key, str(folder))
    writer.finishes(
        "3 ['blue', 'red', 'green']",
        "[2, 3] []",
        "[('color', 'green'), ('size', 1)] ['s']",
        "['c/0', 'zarr.json'] [0, 1, 2]",
        "{'one': b'1'}",
        "{'deep/two': b'2'}",
        "False ['deep']",
    )


def test_of_many_changes_to_one_node_in_several_processes_none_is_lost(
    server: RunningServer,
) -> None:
    client = from_uri(server.uri, api_key=server.api_key)
    node = client.create_container(metadata={})
    array = node.write_array(np.zeros((1, 2)), key="a")
    table = node.create_appendable_table(pa.schema([("n", pa.int64())]), key="t")
    address = f"{server.uri}/api/v1"
    headers = {"Authorization": f"Apikey {server.api_key}"}

    def describe(number: int) -> int:
        body = {
            "content-type": "application/json-patch+json",
            "metadata": [{"op": "add", "path": f"/k{number}", "value": number}],
            "specs": None,
        }
        # A connection each, so that both processes get some.
        return requests.patch(
            f"{address}/metadata/{node.key}", json=body, headers=headers, timeout=60
        ).status_code

    def extend(number: int) -> int:
        query = f"offset={number + 1}&shape=1,2&extend=true"
        return requests.patch(
            f"{address}/array/full/{node.key}/a?{query}",
            data=np.full(2, number + 1.0).tobytes(),
            headers={**headers, "Content-Type": "application/octet-stream"},
            timeout=60,
        ).status_code

    def append(number: int) -> int:
        table.append({"n": [number]})
        return 200

    calls = [(work, number) for number in range(16) for work in (describe, extend, append)]
    with ThreadPoolExecutor(16) as threads:
        answers = Counter(threads.map(lambda call: call[0](call[1]), calls))
    assert answers == {200: 48}
    node.refresh()
    assert node.metadata == {f"k{number}": number for number in range(16)}
    numbers = [revision.number for revision in node.metadata_revisions]
    assert numbers == list(range(1, 17))
    array.refresh()
    assert array.read()[:, 0].tolist() == list(range(17))
    assert sorted(table.read()["n"]) == list(range(16))
