"""JSON in pieces is the JSON of the whole, takes little memory, and is bounded as it is sent."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from catalog.formats import json_pieces, shared_values
from catalog.formats.json_pieces import array_json, json_of, table_json
from core.errors import BadRequest
from tests.catalog.conftest import OCTETS, Api, detail
from tiled_client.wire.json_columns import column_to_json
from tiled_client.wire.json_values import array_to_json
from tiled_client.wire.structures import ArrayStructure

RECORD = np.dtype([("a", "i2"), ("b", "S3"), ("c", "f4", (2,))])
ARRAYS = [
    *(np.arange(60).reshape(shape).astype(kind) for shape in ((60,), (3, 20), (3, 4, 5)) for kind in
      ("i1", "u8", ">f8", "f4", "f2", "?", "c16", "S4", "U4", "M8[s]", "m8[ms]", "V3")),
    *(np.zeros(shape) for shape in ((), (0,), (0, 3), (3, 0), (2, 0, 3), (1, 1, 1))),
    np.array([np.nan, np.inf, -0.0, 1e300, 5e-324]),
    np.array(['"\\\n', "é", "\U0001f600"]),
    np.zeros((2, 3), RECORD),
    np.zeros((), "S3"),
    np.asfortranarray(np.arange(12.0).reshape(3, 4)),
]  # fmt: skip
COLUMNS: dict[str, Any] = {
    "n": [1, None, 3] * 4,
    "x": [0.5, float("nan"), None] * 4,
    "s": ["a", '"', None] * 4,
    "b": [True, None, False] * 4,
    "o": [b"\xff", b"", None] * 4,
    "l": [[1, 2], [], None] * 4,
    "r": [{"p": 1, "q": ["x"]}, None, {"p": None, "q": []}] * 4,
    "t": pa.array([1, None, None] * 4, pa.timestamp("ns")),
    "d": pa.array(["p", "q", None] * 4).dictionary_encode(),
    "nothing": pa.nulls(12),
}


def whole(body: Any) -> bytes:
    return body if isinstance(body, bytes) else b"".join(body)


@pytest.fixture(params=[1, 7, 50_000])
def pieces_of(request: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """Pieces of so many values, and nothing so small that it is sent as one."""
    monkeypatch.setattr(json_pieces, "VALUES", request.param)
    monkeypatch.setattr(shared_values, "MAX_SLICE_BYTES", request.param)
    monkeypatch.setattr(json_pieces, "MAX_WHOLE_BYTES", 1)
    return int(request.param)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}-{array.shape}")
def test_pieces_of_an_array_are_the_whole(array: Any, pieces_of: int) -> None:
    assert whole(array_json(array)) == json_of(array_to_json(array))


def test_pieces_of_a_table_are_the_whole(pieces_of: int) -> None:
    table = pa.table(COLUMNS)
    for part in (table, table[:1], table[:0], pa.concat_tables([table, table[3:7]])):
        expected = json_of({name: column_to_json(part[name]) for name in part.column_names})
        assert whole(table_json(part)) == expected
    assert whole(table_json(pa.table({}))) == b"{}"


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}-{array.shape}")
def test_no_text_is_longer_than_it_is_said_to_be_at_most(array: Any) -> None:
    assert len(json_of(array_to_json(array))) <= json_pieces._longest_text(array)


def test_little_memory_is_taken_whatever_the_text_is() -> None:
    """Bytes take 137 times their size as Python objects, and 40 times as text."""
    array = np.zeros(1_000_000, "S1")
    tracemalloc.start()
    size = 0
    for piece in array_json(array):
        size += len(piece)  # type: ignore[arg-type]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 5_000_000
    assert peak < 60_000_000


@pytest.mark.parametrize("whole_size", [1, json_pieces.MAX_WHOLE_BYTES])
def test_what_would_be_too_large_is_refused_before_it_begins(
    whole_size: int, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = settings.TILED.storage.model_copy(update={"response_bytesize_limit": 1000})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    monkeypatch.setattr(json_pieces, "MAX_WHOLE_BYTES", whole_size)
    monkeypatch.setattr(json_pieces, "VALUES", 10)
    assert len(whole(array_json(np.zeros(200, "u1")))) == 401
    for make in (
        lambda: array_json(np.full(300, 255, "u1")),
        lambda: array_json(np.full(400, b"x" * 10)),
        lambda: table_json(pa.table({"a": [True] * 300})),
        lambda: table_json(pa.table({"a": pa.array(["x" * 100] * 20).dictionary_encode()})),
    ):
        with pytest.raises(BadRequest, match=r"storage\.response_bytesize_limit"):
            whole(make())


def test_the_limit_counts_the_answer_in_each_text_format(api: Api, settings: Any) -> None:
    array = np.arange(5_000, dtype="u1")
    api.array("x", array)
    structure = ArrayStructure.from_array(np.zeros(5_000, "S1"))
    assert api.create("s", "array", structure).status_code == 200  # nothing need be written
    api.table("t", pa.table({"a": [True]}))
    storage = settings.TILED.storage.model_copy(update={"response_bytesize_limit": 6_000})
    settings.TILED = settings.TILED.model_copy(update={"storage": storage})
    for address in ("x", "s"):
        for media_type in ("application/json", "text/csv"):
            refused = api.get(f"/array/full/{address}", accept=media_type)
            if address == "s" and media_type == "text/csv":
                continue  # empty texts
            assert refused.status_code == 400, (address, media_type)
            assert "response_bytesize_limit" in detail(refused)
        assert len(api.get(f"/array/full/{address}", accept=OCTETS).content) == 5_000
