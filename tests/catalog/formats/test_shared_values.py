"""A value that stands for many takes no more memory on its way out than many values do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from catalog.formats import shared_values
from catalog.formats.exports import Export
from catalog.formats.registry import formats
from catalog.formats.shared_values import bounded_slices, unshared_size
from catalog.services.tables.reading import RowSelection
from core.errors import BadRequest

LARGE, ROWS = "x" * 10_000, 300


def views(count: int) -> pa.Array:
    one = pa.array([LARGE], pa.string_view()).buffers()
    places = pa.py_buffer(one[1].to_pybytes() * count)
    return pa.Array.from_buffers(pa.string_view(), count, [None, places, *one[2:]])


def runs(count: int) -> pa.Array:
    return pa.RunEndEncodedArray.from_arrays(pa.array([count], pa.int32()), pa.array([LARGE]))


def dictionary(count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int8), pa.array([LARGE]))


def lists(count: int) -> pa.Array:
    values = pa.array(np.zeros(len(LARGE), np.int8))
    starts, sizes = np.zeros(count, np.int32), np.full(count, len(LARGE), np.int32)
    return pa.ListViewArray.from_arrays(pa.array(starts), pa.array(sizes), values)


def in_lists(count: int) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.arange(count + 1, dtype=np.int32)), views(count))


SHARED = [views, runs, dictionary, lists, in_lists]


@pytest.mark.parametrize("make", SHARED)
def test_slices_are_bounded_by_what_their_rows_have_without_sharing(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_values, "MAX_SLICE_BYTES", 100_000)
    table = pa.table({"a": make(ROWS), "n": np.arange(ROWS)}).slice(3)
    assert table.nbytes < 100_000
    assert 0 <= unshared_size(table) - (ROWS - 3) * 10_008 < 20 * ROWS
    pieces = list(bounded_slices([table]))
    assert max(piece.num_rows for piece in pieces) == 9
    assert pa.concat_tables(pieces).column("n").equals(table.column("n"))


@pytest.mark.parametrize("make", SHARED)
def test_a_row_that_would_be_too_large_is_refused(make: Any, settings: Any) -> None:
    storage = settings.TILED.storage.model_copy(update={"response_bytesize_limit": 5_000})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    with pytest.raises(BadRequest, match="response_bytesize_limit"):
        list(bounded_slices([pa.table({"a": make(3)})]))


@pytest.mark.parametrize("media_type", ["application/json-seq", "text/csv", "text/html"])
def test_no_format_writes_more_of_them_at_a_time(
    media_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_values, "MAX_SLICE_BYTES", 100_000)
    shared, own = pa.table({"a": dictionary(ROWS)}), pa.table({"a": [LARGE] * ROWS})
    exporter = formats().exporter("table", media_type)
    written, plain = (
        list(exporter(Export(RowSelection.from_table(table), media_type)))
        for table in (shared, own)
    )
    assert max(map(len, written)) < 200_000
    assert b"".join(map(bytes, written)) == b"".join(map(bytes, plain))
