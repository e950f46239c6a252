"""Slices of the wire format, compared with numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tiled_client.wire.errors import WireError
from tiled_client.wire.slices import (
    expand_index,
    format_slice,
    parse_slice,
    patch_region,
    sliced_shape,
)

SHAPES = npst.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)


@given(st.data(), SHAPES)
def test_an_index_survives_a_round_trip_and_gives_the_shape_of_numpy(
    data: st.DataObject, shape: tuple[int, ...]
) -> None:
    index = data.draw(npst.basic_indices(shape))
    items = parse_slice(format_slice(expand_index(index, len(shape))))
    cut = np.zeros(shape)[index]
    assert np.zeros(shape)[items].shape == cut.shape
    assert sliced_shape(shape, items) == cut.shape


@pytest.mark.parametrize("text", [",", "a", "1:2:3:4", "...", " 1", "1,,2", "[0]", "0.5"])
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="Invalid slice part"):
        parse_slice(text)


@pytest.mark.parametrize("index", [[0, 1], None, 1.5, True, np.array([True])])
def test_an_index_that_cannot_be_sent_is_refused(index: Any) -> None:
    with pytest.raises(IndexError, match="can be used as an index"):
        expand_index(index, 1)


@given(SHAPES, st.data())
def test_a_patch_covers_as_much_as_its_shape_says(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    patch = data.draw(st.tuples(*[st.integers(0, 5)] * len(shape)))
    offset = data.draw(st.lists(st.integers(0, 5), max_size=len(shape)))
    region = patch_region(shape, offset, patch)
    assert tuple(part.stop - part.start for part in region) == patch
    assert [part.start for part in region] == offset + [0] * (len(shape) - len(offset))
