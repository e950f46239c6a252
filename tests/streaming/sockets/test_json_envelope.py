"""Every kind of payload in the JSON envelope."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgpack
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from streaming.sockets.messages import json_envelope
from tiled_client.wire.json_values import OCTETS, array_to_json, data_uri
from tiled_client.wire.structures import ArrayStructure, TableStructure

X = "data:application/octet-stream;base64,eA=="
RECORD = np.dtype([("a", ">i2"), ("b", "<c8"), ("c", "S2"), ("d", "<f4", (2,))])


def array_in_json(array: np.ndarray[Any, Any], shape: list[int] | None = None) -> Any:
    frame = msgpack.packb(
        {
            "type": "array-data",
            "mimetype": OCTETS,
            "shape": list(array.shape) if shape is None else shape,
            "payload": array.tobytes(),
        }
    )
    message = json.loads(json_envelope.to_json(frame, ArrayStructure.from_array(array)))
    assert list(message)[-2:] == ["content-type", "payload"]
    return message["payload"]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([[1, 2], [3, 4]], ">u2"), [[1, 2], [3, 4]]),
        (np.array([1.5, np.nan, np.inf], ">f8"), [1.5, None, None]),
        (np.array([1.5, np.nan], "f2"), [1.5, None]),
        (np.array(7), 7),
        (np.array(np.nan), None),
        (np.array(True), True),
        (np.array([True, False]), [True, False]),
        (np.array([1 + 2j, complex(math.nan, 3)], ">c16"), [[1, 2], [None, 3]]),
        (np.array(1 + 2j), [1, 2]),
        (np.array(["ab", "ç"], ">U2"), ["ab", "ç"]),
        (np.array([b"ab"]), ["data:application/octet-stream;base64,YWI="]),
        (np.array(["2026-01-02T03:04:05", "NaT"], ">M8[s]"), ["2026-01-02T03:04:05", None]),
        (np.array([5, "NaT"], "m8[ms]"), [5, None]),
        (np.zeros((0,)), []),
        (np.zeros((2, 0)), [[], []]),
        (np.zeros((0, 2), RECORD), []),
        (
            np.array([[(1, 2j, b"x", (0.5, 1))]], RECORD),
            [[[1, [0, 2], X, [0.5, 1]]]],
        ),
        (np.array((1, 2j, b"x", (0.5, np.nan)), RECORD), [1, [0, 2], X, [0.5, None]]),
    ],
)  # fmt: skip
def test_every_dtype_is_converted_to_json(array: np.ndarray[Any, Any], expected: Any) -> None:
    assert array_in_json(array) == expected


DTYPES = npst.scalar_dtypes() | npst.byte_string_dtypes() | npst.array_dtypes(max_size=3)


@given(npst.arrays(DTYPES, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)))
def test_lists_are_nested_by_the_shape(array: np.ndarray[Any, Any]) -> None:
    def check(value: Any, shape: tuple[int, ...]) -> None:
        if shape:
            assert len(value) == shape[0]
            for item in value:
                check(item, shape[1:])

    check(json.loads(json_envelope.dumps(array_to_json(array))), array.shape)


@given(st.binary(max_size=20))
def test_a_payload_that_contradicts_its_type_does_not_break_the_stream(payload: bytes) -> None:
    structure = ArrayStructure.from_array(np.zeros(3, "<i8"))
    for mimetype in (OCTETS, json_envelope.ARROW, "image/png"):
        frame = msgpack.packb({"mimetype": mimetype, "shape": [99], "payload": payload})
        said = json.loads(json_envelope.to_json(frame, structure))["payload"]
        assert said == data_uri(payload, mimetype)


def test_a_table_is_written_by_columns() -> None:
    table = pa.table(
        {
            "n": pa.array([1, None]),
            "x": pa.array([1.5, math.nan]),
            "s": ["a", "ç"],
            "b": [b"ab", None],
            "t": pa.array([datetime(2026, 1, 2, 3, tzinfo=UTC)] * 2, pa.timestamp("ns", "UTC")),
            "d": [date(2026, 1, 2)] * 2,
            "i": [timedelta(seconds=1.5)] * 2,
            "m": [Decimal("1.20")] * 2,
            "l": [[1], []],
            "r": [{"k": 1}] * 2,
        }
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    frame = msgpack.packb(
        {"mimetype": json_envelope.ARROW, "payload": sink.getvalue().to_pybytes()}
    )
    structure = TableStructure.from_schema(table.schema)
    assert json.loads(json_envelope.to_json(frame, structure))["payload"] == {
        "n": [1, None],
        "x": [1.5, None],
        "s": ["a", "ç"],
        "b": ["ab", None],
        "t": ["2026-01-02T03:00:00+00:00"] * 2,
        "d": ["2026-01-02"] * 2,
        "i": [1_500_000] * 2,
        "m": ["1.20"] * 2,
        "l": [[1], []],
        "r": [{"k": 1}] * 2,
    }


def test_a_message_without_payload_has_no_content_type() -> None:
    frame = msgpack.packb({"type": "container-child-created", "key": "k"})
    assert json.loads(json_envelope.to_json(frame, None)) == {
        "type": "container-child-created",
        "key": "k",
    }
