"""Tables as other packages expect them: with this server, and with a real Tiled 0.2.20."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from tiled_client import Container, DataSource, StructureFamily, TableStructure, from_uri


@pytest.fixture(params=["server", "tiled_reference"])
def client(request: pytest.FixtureRequest) -> Container:
    """A container of the test's own, on either server."""
    site = request.getfixturevalue(request.param)
    made: Container = from_uri(site.uri, site.api_key).create_container(secrets.token_hex(6))
    return made


def in_three_parts(client: Container) -> Any:
    """A table of ten rows in partitions of 4, 5 and 1."""
    rows = pa.table({"n": pa.array(range(10)), "text": [str(n) for n in range(10)]})
    structure = TableStructure.from_schema(rows.schema, npartitions=3)
    table: Any = client.new(
        StructureFamily.table, [DataSource(StructureFamily.table, structure)], key="t"
    )
    for partition, (first, last) in enumerate([(0, 4), (4, 9), (9, 10)]):
        table.write_partition(partition, rows.slice(first, last - first))
    return client["t"]


@pytest.mark.parametrize("count", [0, 1, 4, 5, 9, 10, 11])
def test_head_and_tail_reach_over_partitions(client: Container, count: int) -> None:
    table = in_three_parts(client)
    assert len(table) == 10
    assert table.head(count).n.tolist() == list(range(10))[:count]
    assert table.tail(count).n.tolist() == list(range(10))[max(10 - count, 0) :]
    assert list(table.head(count, columns=["text"])) == ["text"]


def test_partitions_are_one_arrow_stream_that_is_read_as_it_is_used(client: Container) -> None:
    table = in_three_parts(client)
    fetched: list[int] = []
    read = table._read_partition
    table._read_partition = lambda n, **options: fetched.append(n) or read(n, **options)
    reader = pa.RecordBatchReader.from_stream(table)
    assert reader.schema.names == ["n", "text"]
    assert fetched == []
    assert reader.read_next_batch().num_rows == 4
    assert fetched == [0]
    assert reader.read_all().num_rows == 6
    assert pl.DataFrame(table)["n"].to_list() == list(range(10))
    again = client.write_table(pl.DataFrame({"q": [1, 2]}))
    assert again.read().q.tolist() == [1, 2]


def test_columns_of_any_name_are_fetched(client: Container) -> None:
    frame = pd.DataFrame({"a": [1], "shape": [2], "read": [3], "ndim": [4], "with space": [5]})
    table = client.write_table(frame, key="t")
    assert [table[name].tolist() for name in frame] == [[n] for n in range(1, 6)]
    assert table.a.tolist() == [1]
    assert callable(table.read)
    assert {"a", "shape", "read"} <= set(dir(table))
    assert list(table) == list(frame)
    assert "with space" in table
    with pytest.raises(AttributeError, match="no attribute or column 'nope'"):
        _ = table.nope


@pytest.mark.parametrize("client", ["server"], indirect=True)  # Tiled cannot select such columns
def test_columns_with_numbers_for_names_are_fetched(client: Container) -> None:
    numbered = client.write_table(pd.DataFrame({0: [1, 2], 1: [3.5, 4.5]}), key="n")
    assert numbered[0].tolist() == numbered["0"].tolist() == [1, 2]
    assert list(numbered[[1, 0]]) == [1, 0]


@pytest.mark.parametrize("convert", [np.asarray, pd.DataFrame])
def test_a_conversion_that_would_lose_names_says_what_to_use(
    client: Container, convert: Any
) -> None:
    table = client.write_table({"a": [1]}, key="t")
    with pytest.raises(TypeError, match=r"use `read\(\)`"):
        convert(table)
    assert bool(table)


def test_a_function_of_numpy_reads_an_array_once(
    client: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = client.write_array(np.arange(6.0).reshape(2, 3), key="x")
    reads: list[Any] = []
    read = type(x)._read_slice
    monkeypatch.setattr(
        type(x), "_read_slice", lambda self, index: reads.append(index) or read(self, index)
    )
    assert np.mean(x) == 2.5
    assert np.add(x, 1).sum() == 21
    assert len(reads) == 2
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((2, 3), 2, 6)
    assert len(reads) == 2
    assert np.asarray(x, dtype="f4").dtype == "f4"
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, copy=False)
