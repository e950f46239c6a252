"""Tables that are sent while they are read are the same files."""

from __future__ import annotations

import mmap
import tempfile

import numpy as np
import pyarrow as pa
import pytest

from catalog.storage import tables
from catalog.storage.errors import Malformed
from catalog.storage.tables.ipc_bodies import MAX_SLICE_BYTES
from core.mapped_files import map_file

from ..conftest import ipc

NUMBERS = pa.table({"a": np.arange(5), "b": ["x", None, "z", "", "é"]})
LABELS = pa.table({"a": pa.array(["x", "y", "x"]).dictionary_encode()})


@pytest.mark.parametrize("table", [NUMBERS, LABELS, NUMBERS[:0]], ids=["plain", "labels", "empty"])
@pytest.mark.parametrize("cuts", [[], [0, 2], [1, 1, 3]])
def test_the_pieces_of_a_table_are_an_arrow_file_of_it(table: pa.Table, cuts: list[int]) -> None:
    ends = [*cuts, table.num_rows]
    parts = [table[start:stop] for start, stop in zip([0, *cuts], ends, strict=True)]
    content = b"".join(tables.ipc_chunks(table.schema, parts))
    assert pa.ipc.open_file(content).read_all() == table


def in_a_file(content: bytes) -> memoryview:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        return map_file(file)


def test_a_body_in_a_file_is_read_in_pieces_again_and_again() -> None:
    table = pa.table({"a": np.arange(MAX_SLICE_BYTES // 4)})
    rows = tables.received_tables(in_a_file(ipc(table)))
    for _ in range(2):
        pieces = list(rows)
        assert len(pieces) > 1
        assert pa.concat_tables(pieces).combine_chunks() == table
        assert all(piece.nbytes <= MAX_SLICE_BYTES for piece in pieces)


@pytest.mark.parametrize("damage", [slice(0, 200), slice(0, -30), slice(0, 8)])
def test_a_body_in_a_file_that_is_damaged_is_refused(damage: slice) -> None:
    with pytest.raises(Malformed):
        list(tables.received_tables(in_a_file(ipc(NUMBERS)[damage])))


def test_texts_in_a_file_that_are_none_are_refused() -> None:
    body = ipc(NUMBERS).replace("é".encode(), b"\xff\xff")
    with pytest.raises(Malformed):
        list(tables.received_tables(in_a_file(body)))


def test_a_file_outlives_its_closing_as_memory() -> None:
    view = in_a_file(b"a" * mmap.PAGESIZE * 3)
    assert bytes(view[-3:]) == b"aaa"
