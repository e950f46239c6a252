"""Structures: chunks that add up, blocks that cover the array, growth that keeps the chunk size."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure, TableStructure

CHUNKS = st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3), min_size=1, max_size=3)


def array_structure(chunks: list[list[int]]) -> ArrayStructure:
    described = ArrayStructure.from_array(np.zeros([sum(sizes) for sizes in chunks]))
    return ArrayStructure.from_json({**described.to_json(), "chunks": chunks})


@given(CHUNKS)
def test_the_blocks_of_an_array_cover_each_element_once(chunks: list[list[int]]) -> None:
    structure = array_structure(chunks)
    seen = np.zeros(structure.shape, int)
    for block in np.ndindex(*[len(sizes) for sizes in chunks]):
        seen[structure.block_region(block)] += 1
    assert (seen == 1).all()


@given(CHUNKS, st.data())
def test_growth_keeps_the_size_of_the_chunks_and_adds_up(
    chunks: list[list[int]], data: st.DataObject
) -> None:
    structure = array_structure(chunks)
    shape = [size + data.draw(st.integers(0, 9)) for size in structure.shape]
    grown = structure.with_shape(shape)
    assert ArrayStructure.from_json(grown.to_json()) == grown
    for before, after, size in zip(structure.chunks, grown.chunks, shape, strict=True):
        assert sum(after) == size
        assert after == before or set(after[:-1]) <= {before[0]}


def test_the_chunks_of_an_extended_array_follow_the_protocol() -> None:
    assert array_structure([[3], [4]]).with_shape((4, 4)).chunks == ((3, 1), (4,))
    assert array_structure([[3]]).with_shape((8,)).chunks == ((3, 3, 2),)
    empty = ArrayStructure.from_array(np.zeros((0, 2)))
    assert empty.with_shape((3, 2)).chunks == ((1, 1, 1), (2,))


def test_the_columns_of_a_table_leave_out_the_index_that_pandas_brings() -> None:
    frame = pa.table({"x": [1]}).to_pandas()
    frame.index = [5]
    schema = pa.Table.from_pandas(frame).schema
    structure = TableStructure.from_schema(schema)
    assert structure.columns == ("x",)
    assert TableStructure.from_json(structure.to_json()).schema().equals(schema, True)


@pytest.mark.parametrize(
    "change",
    [{"npartitions": 0}, {"columns": ["_x"]}, {"columns": "x"}, {"arrow_schema": "x"}],
)
def test_a_table_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    said = TableStructure.from_schema(pa.schema([("x", pa.int64())])).to_json()
    with pytest.raises(WireError):
        TableStructure.from_json({**said, **change})
