"""Rows from outside: what is no Arrow file, or does not fit the schema, is told so."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.storage import tables
from catalog.storage.errors import Malformed, Oversized, SchemaMismatch
from catalog.storage.tables.sizes import BATCHES, BLOCK, Table

TABLE = pa.Table.from_pandas(
    pd.DataFrame({"x": [1, 2], "s": ["a", None], "c": pd.Categorical(["p", "q"])}, index=[5, 6])
).append_column("l", pa.array([[1], None]))
FILE = tables.serialize_ipc(TABLE)


def stream(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def test_a_file_and_a_stream_are_read() -> None:
    assert tables.parse_ipc(FILE).equals(TABLE, check_metadata=True)
    assert tables.parse_ipc(stream(TABLE)).equals(TABLE, check_metadata=True)
    assert tables.parse_ipc(stream(TABLE, compression="zstd")) == TABLE


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"x,s\n1,a\n", b'{"x": [1]}', b"\0" * 100, b"\xff" * 100, FILE[:-1], FILE[:200]],
)
def test_what_is_no_arrow_file_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed, match="Arrow IPC file"):
        tables.parse_ipc(body)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([FILE, stream(TABLE), stream(TABLE, compression="zstd")]),
    st.lists(
        st.tuples(
            st.integers(0, 1 << 16),
            st.binary(min_size=1, max_size=8) | st.sampled_from([b"\xff" * 8, b"\0" * 8]),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_a_damaged_file_is_refused_or_harmless(
    body: bytes, damage: list[tuple[int, bytes]]
) -> None:
    damaged = bytearray(body)
    for at, patch in damage:
        damaged[at % len(body) : at % len(body) + len(patch)] = patch
    try:
        table = tables.conform(tables.parse_ipc(bytes(damaged)), TABLE.schema)
    except (Malformed, SchemaMismatch, Oversized):
        return
    assert table.schema.equals(TABLE.schema)
    tables.parse_ipc(tables.serialize_ipc(table))


def test_a_small_body_cannot_claim_any_number_of_rows() -> None:
    nulls = pa.Array.from_buffers(pa.null(), 10**12, [None])
    with pytest.raises(Malformed, match="cannot hold 1000000000000 rows"):
        tables.parse_ipc(stream(pa.table({"x": nulls}), allow_64bit=True))


@pytest.mark.parametrize(
    ("received", "declared"),
    [
        (pa.array([1, 2], pa.int32()), pa.int64()),
        (pa.array([1, 2], pa.int64()), pa.uint8()),
        (pa.array([1, 2]), pa.float64()),
        (pa.array([2.0, None, -(2.0**53)]), pa.int64()),
        (pa.array([[2.0], []]), pa.list_(pa.int8())),
        (pa.array([1.5], pa.float32()), pa.float64()),
        (pa.array(["a", None]), pa.large_string()),
        (pa.array(["a", None], pa.large_string()), pa.string()),
        (pa.array(["a", None]), pa.dictionary(pa.int8(), pa.large_string())),
        (pa.array(["a", None]).dictionary_encode(), pa.string()),
        (pa.array(["a", None]).dictionary_encode(), pa.dictionary(pa.int8(), pa.large_string())),
        (pa.array([1000], pa.timestamp("ms")), pa.timestamp("s")),
        (pa.array([1], pa.timestamp("s", "UTC")), pa.timestamp("ns", "UTC")),
        (pa.array([[1], None], pa.list_(pa.int32())), pa.large_list(pa.int64())),
        (pa.array([{"a": 1}]), pa.struct({"a": pa.float64()})),
        (pa.nulls(2), pa.string()),
        (pa.nulls(2), pa.dictionary(pa.int8(), pa.string())),
    ],
)
def test_a_type_that_keeps_every_value_is_taken(received: pa.Array, declared: pa.DataType) -> None:
    table = tables.conform(pa.table({"x": received}), pa.schema({"x": declared}))
    assert table.schema.field("x").type == declared
    assert table["x"].to_pylist() == received.to_pylist()


@pytest.mark.parametrize(
    ("received", "declared", "reason"),
    [
        (pa.array(["1"]), pa.int64(), "declared as int64; string was received"),
        (pa.array([1]), pa.string(), "declared as string; int64 was received"),
        (pa.array([1.0]), pa.float32(), "declared as float; double was received"),
        (pa.array([1.5]), pa.int64(), "declared as int64; not all values"),
        (pa.array([float("nan")]), pa.int64(), "not all values"),
        (pa.array([2.0**63]), pa.int64(), "not all values"),
        (pa.array([[1.5]]), pa.list_(pa.int64()), "not all values"),
        (pa.array([300]), pa.uint8(), "not all values .* 300"),
        (pa.array([2**60 + 1]), pa.float64(), "not all values"),
        (pa.array([1001], pa.timestamp("ms")), pa.timestamp("s"), "not all values"),
        (pa.array([1], pa.timestamp("s")), pa.timestamp("s", "UTC"), "was received"),
        (pa.array([[1]]), pa.list_(pa.string()), "was received"),
        (pa.array([{"a": 1}]), pa.struct({"b": pa.int64()}), "was received"),
        (
            pa.array([str(n) for n in range(200)]),
            pa.dictionary(pa.int8(), pa.string()),
            "not all values",
        ),
    ],
)
def test_a_type_that_would_change_values_is_refused(
    received: pa.Array, declared: pa.DataType, reason: str
) -> None:
    with pytest.raises(SchemaMismatch, match=f"olumn 'x'.*{reason}"):
        tables.conform(pa.table({"x": received}), pa.schema({"x": declared}))


def test_columns_go_by_name_and_a_pandas_index_is_left_out() -> None:
    schema = pa.schema({"x": pa.int64(), "s": pa.string()}, metadata={"kept": "yes"})
    for index in ([7, 8], pd.Index([7, 8], name="run")):
        frame = pd.DataFrame({"s": ["a", "b"], "x": np.array([1, 2], "i4")}, index=index)
        table = tables.conform(pa.Table.from_pandas(frame), schema)
        assert table.schema.equals(schema, check_metadata=True)
        assert table.to_pydict() == {"x": [1, 2], "s": ["a", "b"]}


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (pa.table({"x": [1]}), "Column 's' is missing"),
        (pa.table({"x": [1], "s": ["a"], "t": [2]}), "no column 't'"),
        (pa.table([[1], [2], ["a"]], names=["x", "x", "s"]), "Two columns have the name 'x'"),
        (pa.table({"x": [None], "s": ["a"]}), "'x' must not have nulls"),
    ],
)
def test_other_columns_are_refused_by_name(table: pa.Table, reason: str) -> None:
    schema = pa.schema([pa.field("x", pa.int64(), nullable=False), ("s", pa.string())])
    with pytest.raises(SchemaMismatch, match=reason):
        tables.conform(table, schema)


ZEROS = pa.table({"z": np.zeros(4_000_000), "s": pa.array(["a"] * 4_000_000).dictionary_encode()})


def file(table: pa.Table, **options: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table)
    content: bytes = sink.getvalue().to_pybytes()
    return content


@pytest.mark.parametrize("write", [file, stream])
@pytest.mark.parametrize("compression", ["zstd", "lz4"])
def test_a_compressed_body_is_refused_before_it_is_unpacked(write: Any, compression: str) -> None:
    body = write(ZEROS, compression=compression)
    assert len(body) < ZEROS.nbytes / 50
    before = pa.default_memory_pool().max_memory()
    with pytest.raises(Oversized, match=r"bounds\.unpacked_body"):
        tables.parse_ipc(body, ZEROS.nbytes // 2)
    assert pa.default_memory_pool().max_memory() == before
    assert tables.parse_ipc(body, 2 * ZEROS.nbytes) == ZEROS


def test_an_uncompressed_body_is_taken_whatever_the_bound_is() -> None:
    table = ZEROS.slice(0, 1000)
    for body in (file(table), stream(table)):
        assert tables.parse_ipc(body, 1) == table


def test_nulls_within_lists_are_not_taken_for_nothing() -> None:
    offsets = pa.py_buffer(np.array([0, 2**31 - 1], np.int32))
    lists = pa.ListArray.from_buffers(pa.list_(pa.null()), 1, [None, offsets], 0, 0, [
        pa.Array.from_buffers(pa.null(), 2**31 - 1, [None])
    ])  # fmt: skip
    with pytest.raises(Malformed, match="cannot hold 2147483647 rows"):
        tables.parse_ipc(file(pa.table({"l": lists})))


def test_a_batch_that_is_listed_many_times_is_counted_as_often() -> None:
    """A footer with many blocks that are one batch."""
    large = file(pa.table({"z": np.arange(1000.0)}))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, pa.schema([("z", pa.float64())])) as writer:
        for _ in range(500):
            writer.write_batch(pa.record_batch({"z": np.arange(1.0)}))
    start, footer, (block,) = _footer(large)
    one = footer[block : block + BLOCK.size]
    _, many, blocks = _footer(sink.getvalue().to_pybytes())
    for place in blocks:
        many[place : place + BLOCK.size] = one
    forged = large[:start] + bytes(many) + struct.pack("<i", len(many)) + b"ARROW1"
    assert tables.parse_ipc(forged, 1 << 30).num_rows == 500_000
    with pytest.raises(Oversized):
        tables.parse_ipc(forged, 1 << 20)


def _footer(body: bytes) -> tuple[int, bytearray, range]:
    """Where a file's footer begins, the footer, and where in it the blocks of the batches are."""
    (length,) = struct.unpack("<i", body[-10:-6])
    start = len(body) - 10 - length
    footer = bytearray(body[start:-10])
    return start, footer, Table.root(memoryview(footer)).vector(BATCHES, BLOCK.size)
