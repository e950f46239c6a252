"""The pages of sparse, ragged and awkward arrays."""

from __future__ import annotations

import awkward as ak
import numpy as np
import orjson
import pytest

from tests.catalog.conftest import ARROW, Api, ipc
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import ZIP, awkward_buffers, zip_members
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import Coo, SparseStructure

from .conftest import LISTING, Browser
from .test_page import fact

INTEGERS = dtype_from_numpy(np.dtype("<i8"))


@pytest.fixture
def made(api: Api) -> Api:
    """A node of each family, with data."""
    api.create("s", "sparse", SparseStructure(INTEGERS, (3000, 4), ((3000,), (4,))))
    elements = Coo(np.array([[2999], [1]]), np.array([7]), (3000, 4))
    assert api.send("PUT", "/array/full/s", ipc(elements.to_arrow()), ARROW).status_code == 200
    api.create("r", "ragged", RaggedStructure(INTEGERS, (2, None), 0, ((2,), None)))
    body = orjson.dumps([[1, 2], [3]])
    assert api.send("PUT", "/ragged/full/r", body).status_code == 200
    form, length, buffers = awkward_buffers(ak.Array([{"x": 1, "y": [1.5]}]))
    api.create("a", "awkward", AwkwardStructure(length, form))
    assert api.send("PUT", "/awkward/full/a", zip_members(buffers), ZIP).status_code == 200
    return api


def test_pages_tell_the_structure_and_the_first_data(made: Api, browser: Browser) -> None:
    page = browser.page("s")
    assert fact(page, "Shape") == "3,000 × 4"  # noqa: RUF001
    assert "1 element" in page
    assert "2,999" in page
    page = browser.page("r")
    assert fact(page, "Shape") == "2 × varying"  # noqa: RUF001
    assert fact(page, "Elements") == "3"
    assert "[1, 2]" in page
    page = browser.page("a")
    assert (fact(page, "Items"), fact(page, "Type")) == ("1", "{x: int64, y: var * float64}")
    assert "{x: 1, y: [1.5]}" in page


def test_the_list_shows_the_structure_of_each_node(made: Api, browser: Browser) -> None:
    listing = browser.open(LISTING)
    assert "sparse int64 (3,000 × 4)" in listing  # noqa: RUF001
    assert "ragged int64 (2 × varying)" in listing  # noqa: RUF001
    assert "1 item" in listing


def test_a_node_without_data_has_a_page(api: Api, browser: Browser) -> None:
    form, length, _ = awkward_buffers(ak.Array([1]))
    api.create("a", "awkward", AwkwardStructure(length, form))
    assert "Nothing has been written" in browser.page("a")
    api.create("r", "ragged", RaggedStructure(INTEGERS, (0, None), 0, ((0,), None)))
    assert fact(browser.page("r"), "Elements") == "0"
    api.create("s", "sparse", SparseStructure(INTEGERS, (), ()))
    assert fact(browser.page("s"), "Shape") == "a single value"
