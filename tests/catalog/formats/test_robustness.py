"""Whatever is stored, and whatever format is asked for: an answer in it, or 406 with a sentence."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.formats import formats
from catalog.formats.exports import Export
from catalog.formats.tables import parquet
from catalog.models import Node
from catalog.services.tables.reading import RowSelection
from core.errors import NotAcceptable
from tests.forked_process import forked

from ..conftest import ARROW, Api, detail, ipc
from .test_arrays import put

DTYPES = [
    *("?", "<i2", ">u8", "<f2", ">f4", "<f8", "<f16", "<c8", ">c16", "<c32"),
    *("S3", "<U2", ">U2", "V5", "<M8[ns]", "<M8[Y]", "<M8[as]", ">M8[25s]", "<m8[h]", "<m8"),
]
RECORDS = np.dtype([("n", "<i4"), ("z", ">f8", (2,)), ("q", [("s", "S2"), ("t", "<M8[s]")])])
SHAPES = [(), (0,), (3,), (2, 3), (2, 3, 4), (1, 2, 3, 4, 1)]
ZONE = pa.timestamp("us", tz="Europe/Berlin")
COLUMNS = {
    "nothing": pa.nulls(2),
    "small": pa.array([1.5, None], pa.float16()),
    "unsigned": pa.array([2**64 - 1, None], pa.uint64()),
    "zone": pa.array([0, None], ZONE),
    "nanoseconds": pa.array([1, None], pa.timestamp("ns")),
    "early": pa.array([-(10**10), None], pa.timestamp("s")),
    "day": pa.array([datetime.date(2026, 1, 2), None]),
    "day64": pa.array([datetime.date(1800, 1, 2), None], pa.date64()),
    "time": pa.array([datetime.time(1, 2, 3), None], pa.time64("ns")),
    "duration": pa.array([5, None], pa.duration("ms")),
    "decimal": pa.array([Decimal("1.5"), None], pa.decimal128(5, 2)),
    "fixed": pa.array([b"ab", None], pa.binary(2)),
    "view": pa.array(["a", None], pa.string_view()),
    "large": pa.array(["\x01\ud7ff", None], pa.large_string()),
    "list": pa.array([[1, None], None], pa.list_(pa.int64())),
    "pairs": pa.array([[1.0, 2.0], None], pa.list_(pa.float32(), 2)),
    "deep": pa.array([[[{"a": 1}]], None]),
    "map": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())),
    "words": pa.array(["a", None]).dictionary_encode(),
}


def check(api: Api, address: str, family: str) -> None:
    for media_type in formats().listed()[family]:
        response = api.get(f"{address}{'&' if '?' in address else '?'}format={media_type}")
        if response.streaming:
            assert b"".join(response)
        assert response.status_code in {200, 406}, (media_type, response.content)
        if response.status_code == 406:
            assert detail(response)


@pytest.mark.parametrize("dtype", [*DTYPES, RECORDS], ids=lambda dtype: np.dtype(dtype).str)
def test_arrays_of_any_dtype_and_shape(api: Api, dtype: str) -> None:
    for number, shape in enumerate(SHAPES):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        octets = np.random.default_rng(number).integers(0, 256, size, "u1").tobytes()
        if np.dtype(dtype).kind in "U?":
            octets = np.zeros(size, "u1").tobytes()
        put(api, f"a{number}", np.frombuffer(octets, dtype).reshape(shape))
        check(api, f"/array/full/a{number}", "array")


def test_tables_of_any_type_of_column(api: Api) -> None:
    for name, column in COLUMNS.items():
        table = pa.table({name: column})
        api.table(name, table)
        response = api.send("PUT", f"/table/full/{name}", ipc(table), ARROW)
        assert response.status_code == 200, (name, response.content)
        check(api, f"/table/full/{name}", "table")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=20) | st.lists(st.sampled_from(["csv", ";", ",", "*/*", "="])).map("".join))
def test_any_list_of_formats_is_understood_or_refused(api: Api, wanted: str) -> None:
    if not Node.objects.filter(path="x").exists():
        api.array("x", np.arange(3))
    response = api.client.get(
        "/api/v1/array/full/x", {"format": wanted}, headers={"authorization": "Apikey secret"}
    )
    assert response.status_code in {200, 406}


@pytest.mark.parametrize("inner", [pa.string(), pa.float16()], ids=str)
def test_what_would_end_the_process_is_refused_by_parquet(inner: pa.DataType) -> None:
    """Such tables may have been declared before they were refused."""
    table = pa.table({"c": pa.array([[], []], pa.list_(inner, 0))})

    def write() -> str:
        with pytest.raises(NotAcceptable) as refused:
            parquet(Export(RowSelection.from_table(table), "application/x-parquet"))
        return str(refused.value.detail)

    assert "fixed size 0" in forked(write)
