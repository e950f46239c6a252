"""An array of each numpy dtype that can be declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "25s")


def _numbers() -> Iterator[tuple[str, Array]]:
    for order in "<>":
        for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
            limits = np.iinfo(kind)
            yield f"{order}{kind}", np.array([[limits.min, 0], [1, limits.max]], order + kind)
        for kind in ("f2", "f4", "f8", "f16"):
            odd = [[1.5, np.nan], [np.inf, -0.0]]
            yield f"{order}{kind}", np.array(odd, order + kind)
        for kind in ("c8", "c16", "c32"):
            yield f"{order}{kind}", np.array([[1 + 2j, complex(np.nan, 1)]], order + kind)
    yield "bool", np.array([[True, False]])
    yield "bool of other bytes", np.array([0, 1, 2, 255], "u1").view("?")


def _texts() -> Iterator[tuple[str, Array]]:
    yield "S", np.array([b"ab", b"", b"\xff\x01"], "S3")
    yield "S1", np.array([[b"a", b"b"]], "S1")
    for order in "<>":
        yield f"{order}U", np.array([["ç\U0001f600", "NA"], ["", "=1\n"]], f"{order}U4")
    # Code points that no Python text can have, or that UTF-8 cannot encode.
    for name, point in (("surrogate", 0xD800), ("beyond", 0x110000), ("far beyond", 2**32 - 1)):
        yield f"U {name}", np.array([97, point], "<u4").view("<U1")
    yield "V", np.frombuffer(b"\0\1\2\3\4\5", "V3")


def _times() -> Iterator[tuple[str, Array]]:
    counts = np.array([0, 1, -1, 20000, np.iinfo("i8").min])
    for unit in UNITS:
        yield f"M8[{unit}]", counts.view(f"<M8[{unit}]")
        yield f"m8[{unit}]", counts.view(f"<m8[{unit}]")
    far = np.array([2**62, -(2**62)])
    yield "M8[s] far", far.view("<M8[s]")
    yield "M8[D] far", (far // 2**20).view("<M8[D]")
    yield "m8[s] far", far.view("<m8[s]")
    yield ">M8[ns]", counts.astype(">i8").view(">M8[ns]")
    yield "M8", counts.view("<M8")
    yield "m8", counts.view("<m8")


def _records() -> Iterator[tuple[str, Array]]:
    flat = np.dtype([("a", "<i4"), ("b", ">f8"), ("c", "S2")])
    yield "record", np.array([(1, 2.5, b"x"), (3, np.nan, b"")], flat)
    deep = np.dtype([("n", "<i4"), ("z", ">f8", (2,)), ("q", [("s", "S2"), ("t", "<M8[s]")])])
    yield "record deep", np.array([(1, (2, 3), (b"x", 5))], deep)
    yield "record of texts", np.array([("ç", 1)], [("t", "<U2"), ("m", "<m8[ms]")])
    yield "record of matrices", np.ones(2, [("m", "<f4", (2, 3))])
    yield "record of nothing", np.zeros(2, [("a", "<i4"), ("n", "<f4", (0,))])
    yield "record padded", np.zeros(2, np.dtype([("a", "i1"), ("b", "<i8")], align=True))
    odd = np.dtype({"names": ["a"], "formats": ["<i4"], "itemsize": 16})
    yield "record with room at its end", np.zeros(2, odd)
    yield "record of odd names", np.zeros(1, [("a/b", "i1"), (".", "i1"), ("ç", "i1")])


def _shapes() -> Iterator[tuple[str, Array]]:
    for shape in ((), (0,), (3, 0), (2, 3, 4), (2, 1, 3, 1), (3, 5, 3)):
        yield f"shape {shape}", np.ones(shape, "<f4")
    yield "shape of colours", np.ones((4, 5, 3), "u1")


def arrays() -> dict[str, Callable[[], Array]]:
    """Return builders of arrays by dtype, or by what is unusual about them."""
    found = [*_numbers(), *_texts(), *_times(), *_records(), *_shapes()]
    return {name: (lambda array=array: array) for name, array in found}
