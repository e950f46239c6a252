"""Awkward arrays that are small as stored, and large when each item is written by itself."""

from __future__ import annotations

import json
from typing import Any

import awkward as ak
import numpy as np
import pytest
from awkward import contents as kinds
from awkward.index import Index8, Index64

from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import LENGTH, ZIP, zip_members
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.expanded_size import WORD, expanded_nbytes
from tiled_client.wire.ragged import RaggedStructure

from ..conftest import Api, detail

LIST, TIMES = 5_000, 300
ZEROS = Index64(np.zeros(TIMES, np.int64))
FULL = Index64(np.full(TIMES, LIST))
ONE = kinds.ListOffsetArray(
    Index64(np.array([0, LIST])), kinds.NumpyArray(np.zeros(LIST, np.uint8))
)
INDEXED = kinds.IndexedArray(ZEROS, ONE)
LISTS = kinds.ListArray(ZEROS, FULL, ONE.content)
TAGS = Index8(np.arange(TIMES, dtype=np.int8) % 2)
SHARED = {
    "index": INDEXED,
    "option": kinds.IndexedOptionArray(ZEROS, ONE),
    "lists": LISTS,
    "record": kinds.RecordArray([INDEXED], ["x"]),
    "masked": kinds.ByteMaskedArray(Index8(np.ones(TIMES, np.int8)), LISTS, True),
    "union": kinds.UnionArray(TAGS, ZEROS, [ONE, kinds.RecordArray([LISTS], ["x"])]),
    "regular": kinds.RegularArray(LISTS, 3),
}


def limit(settings: Any, size: int) -> None:
    storage = settings.TILED.storage.model_copy(update={"response_bytesize_limit": size})
    export = settings.TILED.export.model_copy(update={"bytesize_limit": size})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage, "export": export})


@pytest.mark.parametrize("kind", SHARED)
def test_no_format_writes_out_more_than_the_limit(kind: str, api: Api, settings: Any) -> None:
    array = ak.Array(SHARED[kind])
    packed = ak.to_packed(array).nbytes
    assert array.nbytes < packed / 40
    assert packed < expanded_nbytes(array) + 2 * WORD < 3 * TIMES * LIST
    form, length, buffers = ak.to_buffers(array)
    members = zip_members({name: buffer.tobytes() for name, buffer in buffers.items()})
    api.container("c")
    structure = AwkwardStructure(length, form.to_dict())
    assert api.create("c/a", "awkward", structure).status_code == 200
    assert api.send("PUT", "/awkward/full/c/a", members, ZIP).status_code == 200
    limit(settings, packed // 2)
    for name in ("json", "arrow", "parquet"):
        refused = api.get(f"/awkward/full/c/a?format={name}")
        assert refused.status_code == 400
        assert "storage.response_bytesize_limit" in detail(refused)
    assert api.get("/container/full/c?format=application/x-hdf5").status_code == 400
    assert api.get("/awkward/full/c/a").content == members
    limit(settings, 3 * TIMES * LIST)
    assert api.json("/awkward/full/c/a?format=json") == array.to_list()


def test_categories_are_not_written_out_beyond_their_body(api: Api) -> None:
    """Texts that overlap, each another one, all of which would be compared with each other."""
    times, longest = 200, 1_000_000
    lists = kinds.ListArray(
        Index64(np.arange(times)),
        Index64(np.full(times, longest)),
        kinds.NumpyArray(np.full(longest, 97, np.uint8), parameters={"__array__": "char"}),
        parameters={"__array__": "string"},
    )
    strings = ak.from_iter(["a", "b"], highlevel=False)
    for key, content, status in (("many", lists, 422), ("few", strings, 200)):
        index = Index64(np.arange(content.length))
        array = ak.Array(
            kinds.IndexedArray(index, content, parameters={"__array__": "categorical"})
        )
        form, length, buffers = ak.to_buffers(array)
        structure = AwkwardStructure(length, form.to_dict())
        assert api.create(key, "awkward", structure).status_code == 200
        members = zip_members({name: buffer.tobytes() for name, buffer in buffers.items()})
        answer = api.send("PUT", f"/awkward/full/{key}", members, ZIP)
        assert answer.status_code == status
        assert status == 200 or "overlap" in detail(answer)


def test_sizes_that_no_integer_holds_hide_nothing() -> None:
    """Each level doubles the size, and the list that is named comes after all of them."""
    layout = ONE.content
    for _ in range(80):
        ends = np.full(2, layout.length)
        layout = kinds.ListArray(Index64(ends * 0), Index64(ends), layout)
    assert expanded_nbytes(ak.Array(layout)) >= 1 << 40
    after = kinds.ListArray(Index64(np.array([0, 0])), Index64(np.array([2, 0])), layout)
    ones = np.ones(TIMES, np.int64)
    named = ak.Array(kinds.ListArray(Index64(ones), Index64(ones + 1), after))
    assert expanded_nbytes(named) == TIMES * 2 * WORD


def test_rows_that_overlap_are_refused_before_they_are_written_out(api: Api, settings: Any) -> None:
    number = dtype_from_numpy(np.dtype("u1")).to_json()
    structure = {"shape": [TIMES, None], "chunks": [[TIMES], None], "size": 0, "data_type": number}
    assert api.create("r", "ragged", RaggedStructure.from_json(structure)).status_code == 200
    form, length, buffers = ak.to_buffers(ak.Array(LISTS))
    described = json.dumps(form.to_json()).encode()
    parts = {name: buffer.tobytes() for name, buffer in buffers.items()}
    body = zip_members({**parts, LENGTH: length.to_bytes(8, "big"), "form": described})
    limit(settings, TIMES * LIST // 2)
    refused = api.send("PUT", "/ragged/full/r", body, ZIP)
    assert refused.status_code == 413
    assert "storage.response_bytesize_limit" in detail(refused)
    limit(settings, TIMES * LIST * 2)
    assert api.send("PUT", "/ragged/full/r", body, ZIP).status_code == 200
