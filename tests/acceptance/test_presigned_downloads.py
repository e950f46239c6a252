"""Large downloads from the bucket itself, by an unmodified Tiled client and by ours."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import requests

from tests.buckets import Service
from tests.catalog.conftest import ARROW, ipc
from tests.conftest import API_KEY
from tests.faults.bucket_proxy import BucketProxy
from tests.servers import RunningServer, own_database, running
from tiled_client import TableClient, from_uri
from tools.backends.tiled_reference import reference_environment, reference_python

ROWS = pa.table({"x": np.random.default_rng(0).random(100_000)})
TILED = """
import sys
from tiled.client import from_uri
found = {}
from_uri(sys.argv[1], api_key=sys.argv[2])["t"].raw_export(found)
(name, content), = found.items()
open(sys.argv[3], "wb").write(content.getvalue())
print(name)
"""


@pytest.fixture
def proxy(buckets: Service) -> Iterator[BucketProxy]:
    proxy = BucketProxy(buckets.endpoint)
    yield proxy
    proxy.close()


@pytest.fixture
def site(tmp_path: Path, buckets: Service, proxy: BucketProxy) -> Iterator[RunningServer]:
    """A server that has a table in one object, and redirects downloads of 100 KB and more."""
    settings = buckets.settings(endpoint=proxy.endpoint)
    settings["TILED_STORAGE_PRESIGNED_DOWNLOADS"] = "100000"
    settings["TILED_SINGLE_USER_API_KEY"] = API_KEY
    with (
        own_database() as database,
        running(tmp_path, "serve", "--port", "0", **settings, **database) as server,
    ):
        table = from_uri(server.uri, api_key=API_KEY).create_appendable_table(ROWS.schema, key="t")
        address = f"{server.uri.rstrip('/')}/api/v1/table/full/t"
        headers = {"Authorization": f"Apikey {API_KEY}", "Content-Type": ARROW}
        requests.put(address, data=ipc(ROWS), headers=headers, timeout=30).raise_for_status()
        assert isinstance(table, TableClient)
        proxy.received.clear()
        yield server


def without_credentials(proxy: BucketProxy) -> bool:
    (head,) = [one.lower() for one in proxy.received if b"x-amz-signature" in one.lower()]
    return not any(name in head for name in (b"authorization:", b"apikey", b"x-csrf", b"session"))


def test_tiled_downloads_from_the_bucket_without_its_credentials(
    site: RunningServer, proxy: BucketProxy, tmp_path: Path
) -> None:
    target = tmp_path / "downloaded"
    command = [str(reference_python()), "-c", TILED, site.uri, API_KEY, str(target)]
    done = subprocess.run(
        command, env=reference_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1].startswith("partition-0-")
    assert pa.ipc.open_stream(target.read_bytes()).read_all().equals(ROWS)
    assert without_credentials(proxy)


def test_our_client_downloads_from_the_bucket_without_its_credentials(
    site: RunningServer, proxy: BucketProxy, tmp_path: Path
) -> None:
    (path,) = from_uri(site.uri, api_key=API_KEY)["t"].raw_export(tmp_path / "here")
    assert pa.ipc.open_stream(Path(path).read_bytes()).read_all().equals(ROWS)
    assert without_credentials(proxy)


def test_a_file_that_is_not_one_object_is_sent_by_the_server(
    site: RunningServer, proxy: BucketProxy, tmp_path: Path
) -> None:
    table = from_uri(site.uri, api_key=API_KEY)["t"]
    assert isinstance(table, TableClient)
    table.append({"x": [0.5]})
    (path,) = table.raw_export(tmp_path / "here")
    assert pa.ipc.open_stream(Path(path).read_bytes()).read_all().num_rows == len(ROWS) + 1
    assert not [one for one in proxy.received if b"x-amz-signature" in one.lower()]
