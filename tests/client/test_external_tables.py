"""External tables from the client, with our server in processes of its own."""

from __future__ import annotations

import os
import secrets
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    Asset,
    BadRequest,
    Container,
    DataSource,
    HttpOptions,
    Invalid,
    Management,
    StructureFamily,
    TableClient,
    TableStructure,
    from_uri,
)

SCHEMA = pa.schema({"n": pa.int64(), "half": pa.float64()})


@pytest.fixture
def client(server: RunningServer) -> Container:
    """A container of the test's own; what is more than 64 KiB is asked for in pieces."""
    options = HttpOptions(bytes_per_request=65_536)
    root = from_uri(server.uri, API_KEY, options=options)
    made: Container = root.create_container(f"t{secrets.token_hex(6)}")
    return made


@pytest.fixture
def folder(readable: Path) -> Path:
    made = readable / secrets.token_hex(6)
    made.mkdir()
    return made


def asset(path: Path, number: int = 0) -> Asset:
    return Asset(f"file://localhost{path}", False, parameter="data_uris", num=number)


def registered(client: Container, path: Path, mimetype: str = "text/csv") -> TableClient:
    structure = TableStructure.from_schema(SCHEMA)
    source = DataSource(
        StructureFamily.table,
        structure,
        mimetype,
        assets=[asset(path)],
        management=Management.external,
    )
    made = client.new(StructureFamily.table, [source], key="t")
    assert isinstance(made, TableClient)
    return made


def add(path: Path, numbers: range) -> None:
    with path.open("a") as file:
        file.writelines(f"{n},{n / 2}\n" for n in numbers)


def next_table(updates: Any) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = next(updates).arrow().to_pydict()
    return rows


def test_many_new_rows_are_fetched_in_pieces_and_exactly(client: Container, folder: Path) -> None:
    path = folder / "a.csv"
    path.write_text("n,half\n")
    add(path, range(5))
    table = registered(client, path)
    with table.updates(0) as updates:
        add(path, range(5, 100_005))
        table.rows_added(5, 100_000)
        update = next(updates)
        assert (update.offset, update.count, update.append) == (5, 100_000, True)
        rows = update.data()
    assert (rows["n"].to_numpy() == np.arange(5, 100_005)).all()
    assert table.read_rows(99_999, 6, ["half"])["half"].tolist() == [
        n / 2 for n in range(99_999, 100_005)
    ]
    os.utime(path, (0, 0))  # long ago: nothing is still arriving
    with pytest.raises(BadRequest, match="there are 100005"):
        table.read_rows(100_005, 1)


def test_a_subscription_to_some_columns_fetches_only_these(client: Container, folder: Path) -> None:
    path = folder / "a.csv"
    path.write_text("n,half\n1,0.5\n")
    table = registered(client, path)
    with table.updates(0, columns=["half"]) as updates:
        table.rows_added(0, 1)
        table.update_data_source(*table.data_sources())
        assert next_table(updates) == {"half": [0.5]}
        assert next_table(updates) == {"half": [0.5]}


def test_rows_that_were_announced_too_early_are_waited_for(client: Container, folder: Path) -> None:
    path = folder / "a.csv"
    path.write_text("n,half\n1,0.5\n")
    table = registered(client, path)
    with table.updates(0) as updates:
        table.rows_added(1, 2)
        update = next(updates)
        arrival = threading.Timer(0.5, add, (path, range(2, 4)))
        arrival.start()
        assert update.arrow().to_pydict()["n"] == [2, 3]
        arrival.join()


def test_a_new_file_is_a_new_partition(client: Container, folder: Path) -> None:
    paths = [folder / f"{number}.parquet" for number in range(2)]
    for number, path in enumerate(paths):
        pa.parquet.write_table(pa.table({"n": [number], "half": [number / 2]}, SCHEMA), path)
    table = registered(client, paths[0], "application/x-parquet")
    with table.updates(0) as updates:
        [source] = table.data_sources()
        grown = replace(source.structure, npartitions=2)
        with pytest.raises(Invalid, match="npartitions is 2, but the files are 1"):
            table.update_data_source(replace(source, structure=grown))
        assert table.npartitions == 1
        new = replace(source, structure=grown, assets=[*source.assets, asset(paths[1], 1)])
        table.update_data_source(new, offset=0, count=1, partition=1)
        assert next_table(updates) == {"n": [1], "half": [0.5]}
    assert table.npartitions == 2
    assert table.read()["n"].tolist() == [0, 1]


def test_rows_can_be_shown_without_being_stored(client: Container) -> None:
    table = client.write_table({"n": [1], "half": [0.5]}, key="own")
    with table.updates(0) as updates:
        table.append({"n": [2], "half": [1.0]}, persist=False)
        table.write({"n": [3], "half": [1.5]}, persist=False)
        table.append({"n": [4], "half": [2.0]})
        heard = [next(updates) for _ in range(4)]
    assert [(u.append, u.persisted, u.arrow()["n"].to_pylist()) for u in heard] == [
        (False, True, [1]),
        (True, False, [2]),
        (False, False, [3]),
        (True, True, [4]),
    ]
    assert table.read()["n"].tolist() == [1, 4]
