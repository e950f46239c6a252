"""Sparse elements, compared with numpy on the dense array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.catalog.storage.strategies import selections
from tiled_client.wire.errors import WireError
from tiled_client.wire.sparse import Coo, SparseStructure, concatenate


def dense(elements: Coo) -> np.ndarray[Any, Any]:
    result = np.zeros(elements.shape, elements.data.dtype)
    # A 0-d array has one place, and no coordinates.
    places = tuple(elements.coords) or (np.zeros(len(elements.data), int),)
    np.add.at(result if result.ndim else result.reshape(1), places, elements.data)
    return result


@st.composite
def coos(draw: st.DrawFn) -> Coo:
    shape = tuple(draw(st.lists(st.integers(1, 6), max_size=3)))
    count = draw(st.integers(0, 10))
    coords = [draw(st.lists(st.integers(0, n - 1), min_size=count, max_size=count)) for n in shape]
    data = np.array(draw(st.lists(st.integers(-9, 9), min_size=count, max_size=count)), np.int64)
    return Coo(np.array(coords, np.int64).reshape(len(shape), count), data, shape)


@given(st.data(), coos())
def test_a_slice_selects_the_elements_of_numpy(data: st.DataObject, elements: Coo) -> None:
    items = data.draw(selections(elements.shape))
    part = elements.select(items)
    np.testing.assert_array_equal(dense(part), dense(elements)[items])


@given(coos())
def test_elements_survive_arrow(elements: Coo) -> None:
    again = Coo.from_arrow(elements.to_arrow(np.dtype("u1")), elements.shape)
    np.testing.assert_array_equal(again.coords, elements.coords)
    np.testing.assert_array_equal(again.data, elements.data)


@given(st.lists(coos(), max_size=3))
def test_parts_placed_in_an_array_add_up_to_it(parts: list[Coo]) -> None:
    parts = [part for part in parts if len(part.shape) == 2]
    placed = [part.move_into((7 * n, n), (21, 9)) for n, part in enumerate(parts)]
    whole = dense(concatenate(placed, (21, 9), np.dtype(np.int64)))
    for n, part in enumerate(parts):
        rows, columns = part.shape
        np.testing.assert_array_equal(whole[7 * n : 7 * n + rows, n : n + columns], dense(part))


def test_an_invalid_structure_is_rejected_with_a_reason() -> None:
    structure = SparseStructure.from_coo(np.zeros((2, 0), np.int32), np.zeros(0), (3, 4))
    assert SparseStructure.from_json(structure.to_json()) == structure
    for change, sentence in {
        "chunks": [[3], [5]],
        "layout": "CSR",
        "dims": ["x"],
        "data_type": None,
        "coord_data_type": {"endianness": "little", "kind": "f", "itemsize": 8},
    }.items():
        with pytest.raises(WireError, match=change):
            SparseStructure.from_json({**structure.to_json(), change: sentence})
    small = {"endianness": "not_applicable", "kind": "u", "itemsize": 1}
    with pytest.raises(WireError, match="is too small for"):
        SparseStructure.from_json(
            {**structure.to_json(), "coord_data_type": small, "shape": [300], "chunks": [[300]]}
        )


def test_old_names_of_methods_warn_and_work() -> None:
    coo = Coo(np.array([[0, 1]]), np.array([1.5, 2.5]), (3,))
    with pytest.warns(DeprecationWarning, match="use select"):
        assert coo.sliced((slice(1, 3),)).data.tolist() == [2.5]
    with pytest.warns(DeprecationWarning, match="use move_into"):
        assert coo.placed((2,), (5,)).coords.tolist() == [[2, 3]]
