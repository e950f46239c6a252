"""An array of each Awkward Array form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import awkward as ak
import numpy as np
from awkward import contents as c
from awkward import index as i

PRIMITIVES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "float128", "complex64", "complex128", "complex256"),
    *("datetime64[s]", "datetime64[ns]", "datetime64[D]", "datetime64[Y]", "datetime64"),
    *("timedelta64[s]", "timedelta64[ns]", "timedelta64"),
)


def _numbers(kind: str = "int64", shape: tuple[int, ...] = (3,)) -> Any:
    size = int(np.prod(shape))
    wide = np.arange(size).astype("i8").view(kind) if kind[-2:] == "64" else np.arange(size)
    return c.NumpyArray(np.ascontiguousarray(wide.astype(kind)).reshape(shape))


def _layouts() -> Iterator[tuple[str, Callable[[], Any]]]:
    for kind in PRIMITIVES:
        yield kind, lambda kind=kind: c.NumpyArray(np.arange(3).astype("i8").astype(kind))
        yield (
            f"list of {kind}",
            lambda kind=kind: c.ListOffsetArray(
                i.Index64(np.array([0, 2, 2, 3])),
                c.NumpyArray(np.arange(3).astype("i8").astype(kind)),
            ),
        )
    yield "matrices", lambda: c.NumpyArray(np.zeros((3, 2, 2)))
    yield "matrices float16", lambda: c.NumpyArray(np.zeros((3, 2), "f2"))
    yield "empty", c.EmptyArray
    yield "list of empty", lambda: c.ListOffsetArray(i.Index64(np.zeros(4, "i8")), c.EmptyArray())
    offsets = (("32", i.Index32), ("U32", i.IndexU32), ("64", i.Index64))
    for name, index in offsets:
        yield (
            f"ListOffset{name}",
            lambda index=index: c.ListOffsetArray(index(np.array([0, 2, 2, 3])), _numbers()),
        )
        yield (
            f"List{name}",
            lambda index=index: c.ListArray(
                index(np.array([1, 0])), index(np.array([3, 1])), _numbers()
            ),
        )
        yield (
            f"Indexed{name}",
            lambda index=index: c.IndexedArray(index(np.array([2, 0, 0])), _numbers()),
        )
    for name, index in (("32", i.Index32), ("64", i.Index64)):
        yield (
            f"IndexedOption{name}",
            lambda index=index: c.IndexedOptionArray(index(np.array([2, -1, 0])), _numbers()),
        )
    yield "Regular", lambda: c.RegularArray(_numbers("int64", (6,)), 2)
    yield (
        "ByteMasked",
        lambda: c.ByteMaskedArray(i.Index8(np.array([1, 0, 1])), _numbers(), valid_when=True),
    )
    yield (
        "BitMasked",
        lambda: c.BitMaskedArray(
            i.IndexU8(np.array([5])), _numbers(), valid_when=True, length=3, lsb_order=True
        ),
    )
    yield "Unmasked", lambda: c.UnmaskedArray(_numbers())
    yield "Record", lambda: c.RecordArray([_numbers(), _numbers("float64")], ["a", "b/c"])
    yield "tuple", lambda: c.RecordArray([_numbers(), _numbers()], None)
    yield "Record of nothing", lambda: c.RecordArray([], [], length=3)
    yield "Union", lambda: ak.Array([1, "a", [1.5], None]).layout
    yield (
        "Union of numbers",
        lambda: c.UnionArray(
            i.Index8(np.array([0, 1, 0])),
            i.Index64(np.array([0, 0, 1])),
            [_numbers(), ak.Array(["x"]).layout],
        ),
    )
    yield "texts", lambda: ak.Array(["a", "", "ç\U0001f600", None]).layout
    yield "bytes", lambda: ak.Array([b"a", b"\xff"]).layout
    yield (
        "texts that are no UTF-8",
        lambda: ak.contents.ListOffsetArray(
            ak.index.Index64([0, 2]),
            ak.contents.NumpyArray(np.array([0xFF, 0xFE], "u1"), parameters={"__array__": "char"}),
            parameters={"__array__": "string"},
        ),
    )
    yield "categorical", lambda: ak.str.to_categorical(ak.Array(["a", "b", "a"])).layout
    yield "deep", lambda: ak.Array([{"x": [{"y": [[1, None], []]}], "z": None}, None]).layout
    yield "named record", lambda: ak.Array([{"x": 1}], with_name="Point").layout
    yield "nothing", lambda: ak.Array([]).layout


def forms() -> dict[str, Callable[[], Any]]:
    """Return builders of an `awkward.Array` by its form."""
    return {name: (lambda build=build: ak.Array(build())) for name, build in _layouts()}
