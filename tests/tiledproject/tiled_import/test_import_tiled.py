"""Import a catalog that the real Tiled 0.2.20 has made, and read it with its own client."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import awkward
import dask.array as da
import numpy as np
import psycopg
import pytest
import requests

from tests.buckets import Service
from tests.servers import RunningServer, own_database, running
from tiled_client import from_uri
from tools.backends.tiled_reference import (
    TiledServer,
    reference_environment,
    reference_python,
    tiled_reference,
)

__all__ = ["tiled_reference"]

BUILD = Path(__file__).with_name("build_catalog.py")
NODES = 13
ROWS = {"Time": [0.5, 1.5, 2.5, 3.5, 4.5, 5.5], "count": [0, 1, 7, 3, 4, 7]}
FRAME = {"x": [1, 2, 3], "label": ["a", "b", "ü"], "y": [0.5, -1, 2.0]}


@dataclass
class TiledCatalog:
    """A catalog of Tiled, the secrets of its keys, and the process that has made it."""

    name: str
    catalog: str
    authentication: str
    made: dict[str, Any]
    process: subprocess.Popen[str]

    def read(self, address: str, key: str) -> dict[str, Any]:
        """Return what Tiled's client reads at an address with a key."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{address} {self.made['keys'][key]}\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """Return the next line of JSON of the process."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise AssertionError("Tiled's process ended.")

    def arguments(self, *others: str) -> list[str]:
        """Return the command that imports it."""
        databases = ["--catalog", self.catalog, "--authn", self.authentication]
        return ["import-tiled", *databases, "--config", self.made["configuration"], *others]


@contextmanager
def databases(folder: Path) -> Iterator[list[str]]:
    """Provide two databases for Tiled: in PostgreSQL where the tests use that, else in SQLite."""
    uri = os.environ.get("TEST_DATABASE_URI")
    if not uri:
        yield [f"sqlite:///{folder}/{name}.db" for name in ("catalog", "authn")]
        return
    names = [f"tiled_import_{secrets.token_hex(6)}" for _ in range(2)]
    with psycopg.connect(uri, autocommit=True) as admin:
        for name in names:
            admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield [urlunsplit(urlsplit(uri)._replace(path=f"/{name}")) for name in names]
        finally:
            for name in names:
                admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def tiled_catalog(readable: Path) -> Iterator[TiledCatalog]:
    pytest.importorskip("duckdb", reason="Tiled keeps tables in DuckDB: install the requirements")
    try:
        python = reference_python()
    except (subprocess.CalledProcessError, OSError) as error:
        pytest.skip(f"Tiled 0.2.20 cannot be installed here: {error}")
    name = f"t{secrets.token_hex(4)}"
    folder = readable / name
    folder.mkdir()
    with ExitStack() as stack:
        uris = stack.enter_context(databases(folder))
        log = stack.enter_context((folder / "stderr.log").open("w"))
        process = stack.enter_context(
            subprocess.Popen(
                [python, BUILD, folder, *uris, name],
                env=reference_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        )
        stack.callback(process.kill)
        made = TiledCatalog(name, *uris, {}, process)
        made.made = made.answer()
        yield made


def test_a_catalog_is_imported_and_read_with_its_own_keys(
    tiled_catalog: TiledCatalog, multiuser_server: RunningServer
) -> None:
    name, server = tiled_catalog.name, multiuser_server
    dry = server.manage(*tiled_catalog.arguments("--dry-run"))
    assert dry.returncode == 0, dry.stderr
    assert "Would be imported:" in dry.stdout
    assert "2  users" in dry.stdout
    key = {"Authorization": f"Apikey {tiled_catalog.made['keys']['tess']}"}
    address = f"{server.uri}/api/v1/metadata/{name}"
    assert requests.get(address, headers=key, timeout=20).status_code == 401

    done = server.manage(*tiled_catalog.arguments())
    assert done.returncode == 0, done.stderr
    assert f"{NODES}  samples that are equal here and in Tiled" in done.stdout
    assert "DIFFERENT" not in done.stdout

    found = tiled_catalog.read(server.uri, "tess")
    assert found.pop("who") != tiled_catalog.made["toby"]
    assert len(found.pop("keys")) == NODES - 1
    assert found == {
        "metadata": [{"year": 2024}, {"sample": "silver", "n": 1}],
        "revisions": [{"sample": "gold", "n": 1}],
        "specs": [["image", "1"]],
        "dims": ["y", "x"],
        "tags": [f"open-{name}"],
        "table": FRAME,
        "csv": FRAME,
        "rows": ROWS,
        "array": np.arange(35.0).reshape(5, 7).tolist(),
        "chunks": np.arange(70).reshape(10, 7).tolist(),
        "awkward": [{"hits": [1, 2]}, {"hits": []}, {"hits": [3]}],
        "ragged": [[1.0, 2.0], [], [3.0]],
        "tiff": np.arange(12).reshape(3, 4).tolist(),
        "sparse": _sparse(),
        "hdf5": list(range(6)),
    }


def test_all_data_sources_of_a_node_are_listed_and_their_files_downloaded(
    tiled_catalog: TiledCatalog, multiuser_server: RunningServer
) -> None:
    server, path = multiuser_server, f"{tiled_catalog.name}/tiff"
    done = server.manage(*tiled_catalog.arguments("--verify", "0"))
    assert done.returncode == 0, done.stderr
    headers = {"Authorization": f"Apikey {tiled_catalog.made['keys']['toby']}"}

    def get(address: str) -> requests.Response:
        return requests.get(f"{server.uri}/api/v1/{address}", headers=headers, timeout=20)

    found = get(f"metadata/{path}?include_data_sources=true").json()["data"]["attributes"]
    first, second = (source["assets"][0] for source in found["data_sources"])
    assert [one["data_uri"].rpartition("/")[2] for one in (first, second)] == [
        "a.tiff",
        "copy.tiff",
    ]
    contents = [get(f"asset/bytes/{path}?id={one['id']}").content for one in (first, second)]
    assert contents[0] == contents[1]
    assert contents[0][:2] in (b"II", b"MM")
    assert get(f"asset/bytes/{path}?id={second['id'] + 1000}").status_code == 404


def test_accounts_keep_their_roles_passwords_and_times(
    tiled_catalog: TiledCatalog, multiuser_server: RunningServer
) -> None:
    server, made = multiuser_server, tiled_catalog.made
    server.manage(*tiled_catalog.arguments("--verify", "0"))

    def get(path: str, key: str) -> requests.Response:
        headers = {"Authorization": f"Apikey {made['keys'][key]}"}
        return requests.get(f"{server.uri}/api/v1/{path}", headers=headers, timeout=20)

    admin = get("auth/whoami", "toby").json()
    assert admin["uuid"].replace("-", "") == made["toby"].replace("-", "")
    assert "admin" in {role["name"] for role in admin["roles"]}
    service = get("auth/whoami", "service").json()
    assert service["uuid"].replace("-", "") == made["keys"]["service_uuid"].replace("-", "")
    # The service has no grants: the nodes are hidden from it.
    assert get(f"metadata/{tiled_catalog.name}", "service").status_code == 404
    form = {"grant_type": "password", "username": f"tess-{tiled_catalog.name}"}
    form["password"] = "first-flush-1773"
    address = f"{server.uri}/api/v1/auth/provider/local/token"
    assert requests.post(address, data=form, timeout=20).status_code == 200
    path = f"{tiled_catalog.name}/private"
    code = f"from catalog.models import Node; print(Node.objects.get(path={path!r}).time_created)"
    shown = server.manage("shell", "-v", "0", "-c", code).stdout
    assert shown.strip()[:19] == made["created"][:19]


def test_an_import_is_repeated_and_data_are_copied(
    tiled_catalog: TiledCatalog, multiuser_server: RunningServer
) -> None:
    server, name = multiuser_server, tiled_catalog.name
    report = server.folder / "report.json"
    again = server.manage(*tiled_catalog.arguments("--copy-data", "--report", str(report)))
    assert again.returncode == 0, again.stderr
    counts = json.loads(report.read_text())["counts"]
    assert counts["nodes that were imported before"] == NODES
    assert not [text for text in counts if text.startswith("nodes of family")]
    assert counts["copied data of family array"] == 2
    assert counts["copied data of family table"] == 2
    assert counts["samples that are equal here and in Tiled"] == NODES

    client = from_uri(server.uri, api_key=tiled_catalog.made["keys"]["toby"])
    array = client[name, "chunks"]
    array.patch(np.zeros((1, 7), "int16"), offset=(10, 0), extend=True)
    assert array.shape == (11, 7)
    client[name, "rows"].append_partition(0, {"Time": [9.0], "count": [9]})
    assert len(client[name, "rows"].read()) == 7
    found = tiled_catalog.read(server.uri, "toby")
    assert found["chunks"][9:] == [list(range(63, 70)), [0] * 7]
    assert found["csv"] == FRAME


@pytest.fixture(params=["own storage", "bucket"])
def importing_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server with the storage of all tests, and one with a bucket."""
    if request.param == "own storage":
        yield request.getfixturevalue("server")
        return
    buckets: Service = request.getfixturevalue("buckets")
    options = ("--port", "0", "--workers", "1", "--api-key", "secret")
    folder = tmp_path_factory.mktemp("importing")
    with (
        own_database() as database,
        running(folder, "serve", *options, **database, **buckets.settings()) as site,
    ):
        yield site


def test_a_running_server_is_imported_over_http(
    tiled_reference: TiledServer, importing_server: RunningServer
) -> None:
    server, name = importing_server, f"h{secrets.token_hex(4)}"
    there = from_uri(tiled_reference.uri, api_key=tiled_reference.api_key)
    top = there.create_container(name, metadata={"proposal": 7})
    inside = top.create_container("inside")
    inside.write_array(np.arange(12.0).reshape(3, 4), key="array")
    inside.write_array(np.array(2.5), key="scalar")
    chunked = da.from_array(np.arange(100_000).reshape(50, 2000), chunks=(7, 1000))
    inside.write_array(chunked, key="chunks")
    inside.write_table({"x": [1, 2], "text": ["a", "ä"]}, key="table")
    top.write_sparse(np.array([[0, 1], [1, 0]]), np.array([2.0, 3.0]), (2, 2), key="sparse")
    top.write_ragged([[1.0, 2.0], [], [3.0]], key="ragged")
    top.write_awkward(awkward.Array([{"hits": [1, 2]}, {"hits": []}]), key="awkward")

    command = ("import-tiled", "--from", tiled_reference.uri, "--only", name, "--into", "")
    done = server.manage(*command, "--api-key", tiled_reference.api_key)
    assert done.returncode == 0, done.stderr
    assert "9  samples that are equal here and in Tiled" in done.stdout, done.stdout
    here = from_uri(server.uri, api_key=server.api_key)[name]
    assert here.metadata["proposal"] == 7
    np.testing.assert_array_equal(here["inside", "array"].read(), np.arange(12.0).reshape(3, 4))
    assert here["inside", "scalar"].read() == 2.5
    np.testing.assert_array_equal(here["inside", "chunks"].read(), chunked.compute())
    assert here["inside", "table"].read()["text"].tolist() == ["a", "ä"]
    assert here["ragged"].read().tolist() == [[1.0, 2.0], [], [3.0]]
    assert here["awkward"].read().to_list() == [{"hits": [1, 2]}, {"hits": []}]
    # The data are the site's own: they grow, and are in order.
    here["inside", "array"].patch(np.ones((1, 4)), offset=(3, 0), extend=True)
    assert here["inside", "array"].read()[2:].tolist() == [[8, 9, 10, 11], [1, 1, 1, 1]]
    checked = server.manage("verify", name)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    again = server.manage(*command, "--api-key", tiled_reference.api_key)
    assert again.returncode == 0, again.stderr
    assert "copied data" not in again.stdout


def _sparse() -> list[list[float]]:
    dense = np.zeros((5, 6))
    dense[0, 2], dense[1, 0], dense[4, 5] = 1.5, -2.0, 3.0
    return dense.tolist()
