"""Array regions, against numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tiled_client.regions import (
    block_offset,
    blocks,
    narrow,
    normalize_chunks,
    select,
    split_region,
)
from tiled_client.wire.slices import expand_index, format_slice, parse_slice
from tiled_client.wire.structures import ArrayStructure

shapes = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7)


def numbered(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.arange(np.prod(shape, dtype=int)).reshape(shape)


@st.composite
def arrays_and_indices(draw: st.DrawFn) -> tuple[np.ndarray[Any, Any], Any]:
    shape = draw(shapes)
    return numbered(shape), draw(npst.basic_indices(shape, allow_newaxis=False))


@given(arrays_and_indices())
def test_any_basic_index_travels_and_gives_what_numpy_gives(case: tuple[Any, Any]) -> None:
    array, index = case
    selection = select(expand_index(index, array.ndim), array.shape)
    on_the_server = array[parse_slice(format_slice(selection.items)) or ...]
    assert on_the_server.shape == selection.shape
    np.testing.assert_array_equal(on_the_server[selection.flip], array[index])


@given(arrays_and_indices(), st.integers(1, 200))
def test_data_fetched_in_parts_are_the_same(case: tuple[Any, Any], limit: int) -> None:
    array, index = case
    selection = select(expand_index(index, array.ndim), array.shape)
    result = np.full(selection.shape, -1)
    for region in split_region(selection.shape, 8, limit):
        part = array[narrow(selection.items, array.shape, region)]
        assert part.nbytes <= max(limit, 8)
        assert np.all(result[region] == -1)
        result[region] = part
    np.testing.assert_array_equal(result[selection.flip], array[index])


@given(shapes, st.integers(1, 5) | st.none() | st.just(-1), st.integers(8, 400))
def test_blocks_cover_the_array_once(shape: tuple[int, ...], chunk: int | None, limit: int) -> None:
    chunks = normalize_chunks(chunk, shape, 8, limit)
    assert tuple(map(sum, chunks)) == shape
    covered = np.zeros(shape, int)
    for block, region in blocks(chunks):
        covered[region] += 1
        sizes = tuple(part.stop - part.start for part in region)
        assert block_offset(chunks, block, sizes) == tuple(part.start for part in region)
    assert np.all(covered == 1)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=3), st.data())
def test_the_place_of_a_block_is_known_after_the_array_has_grown(
    sizes: list[tuple[int, int]], data: st.DataObject
) -> None:
    shape = tuple(size for size, _ in sizes)
    chunks = tuple(normalize_chunks(chunk, (size,), 8, 8)[0] for size, chunk in sizes)
    known = ArrayStructure.from_array(np.zeros(shape))
    known = ArrayStructure(known.data_type, shape, chunks)
    grown = known.with_shape(tuple(n + data.draw(st.integers(0, 9)) for n in shape))
    for block, region in blocks(grown.chunks):
        extent = tuple(part.stop - part.start for part in region)
        assert block_offset(chunks, block, extent) == tuple(part.start for part in region)


def test_the_place_of_a_block_beyond_irregular_chunks_is_not_guessed() -> None:
    assert block_offset(((2, 5, 1),), (1,), (5,)) == (2,)
    assert block_offset(((2, 5, 1),), (3,), (2,)) is None


def test_chunks_can_be_given_in_every_form() -> None:
    assert normalize_chunks(None, (3, 4), 8, 1000) == ((3,), (4,))
    assert normalize_chunks(None, (10, 4), 8, 100) == ((3, 3, 3, 1), (4,))
    assert normalize_chunks(2, (3, 4), 8, 1000) == ((2, 1), (2, 2))
    assert normalize_chunks((1, -1), (3, 4), 8, 1000) == ((1, 1, 1), (4,))
    assert normalize_chunks(((1, 2), (4,)), (3, 4), 8, 1000) == ((1, 2), (4,))
    assert normalize_chunks(None, (), 8, 1000) == ()


@pytest.mark.parametrize("chunks", [((1, 1), (4,)), (1,), (0, 4)])
def test_chunks_that_do_not_fit_are_refused(chunks: Any) -> None:
    with pytest.raises(ValueError, match="chunk"):
        normalize_chunks(chunks, (3, 4), 8, 1000)


def test_an_index_out_of_bounds_is_an_index_error() -> None:
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 0 with size 3"):
        select((3,), (3,))
