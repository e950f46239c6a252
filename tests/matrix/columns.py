"""A column of each Arrow type that a table may have."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NOON = datetime.datetime(2026, 7, 1, 12, 30, 15, 123456)  # noqa: DTZ001
YEAR = 365 * 86400
"""A year in seconds."""


def _integers() -> Iterator[tuple[str, Any]]:
    for bits in (8, 16, 32, 64):
        signed, unsigned = getattr(pa, f"int{bits}")(), getattr(pa, f"uint{bits}")()
        yield f"int{bits}", ([-(2 ** (bits - 1)), 2 ** (bits - 1) - 1, None], signed)
        yield f"uint{bits}", ([0, 2**bits - 1, None], unsigned)


def _times() -> Iterator[tuple[str, Any]]:
    for unit in ("s", "ms", "us", "ns"):
        per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
        yield f"timestamp {unit}", ([0, 1_782_909_015 * per, -1, None], pa.timestamp(unit))
        yield f"timestamp {unit} UTC", ([0, 1_782_909_015 * per, None], pa.timestamp(unit, "UTC"))
        yield f"duration {unit}", ([0, 1500, -1, 2**62, None], pa.duration(unit))
        if unit != "ns":
            early, late = -6000 * YEAR * per, 20000 * YEAR * per
            yield f"timestamp {unit} far", ([early, late, None], pa.timestamp(unit))
            yield f"timestamp {unit} UTC far", ([early, late], pa.timestamp(unit, "UTC"))
        # Programs also write zones that no time zone database has.
        for zone in ("Europe/Berlin", "+05:30", "Mars/Olympus", ""):
            yield f"timestamp {unit} {zone}", ([0, None], pa.timestamp(unit, zone or "Z"))
    for unit in ("s", "ms"):
        yield f"time32 {unit}", ([0, 86399, None], pa.time32(unit))
    for unit in ("us", "ns"):
        yield f"time64 {unit}", ([0, 86399 * 10**6 + 1, None], pa.time64(unit))
    yield "date32", ([0, 20000, -(10**6), 10**7, None], pa.date32())
    yield "date64", ([0, 86400000 * 20000, -(86400000 * 10**6), None], pa.date64())
    yield "interval", ([(1, 2, 3), (-1, 0, 2**40), None], pa.month_day_nano_interval())


def _plain() -> Iterator[tuple[str, Any]]:
    yield "null", ([None, None], pa.null())
    yield "bool", ([True, False, None], pa.bool_())
    yield from _integers()
    odd = [1.5, float("nan"), float("inf"), -0.0, None]
    yield "float16", ([*map(np.float16, odd[:-1]), None], pa.float16())
    yield "float32", (odd, pa.float32())
    yield "float64", ([*odd, 1e300, 5e-324], pa.float64())
    for bits, most in ((32, 9), (64, 18), (128, 38), (256, 76)):
        kind = getattr(pa, f"decimal{bits}")
        values = [Decimal("-1.20"), Decimal("9" * (most - 2) + ".99"), None]
        yield f"decimal{bits}", (values, kind(most, 2))
    yield "decimal negative scale", ([Decimal("1200"), None], pa.decimal128(5, -2))
    yield from _times()


def _texts() -> Iterator[tuple[str, Any]]:
    texts = ["a", "", "ç\U0001f600", 'quote " , ; \n\r\t\x01', "NA", "007", "=1+1", None]
    octets = [b"ab", b"", "ç".encode(), b"\xff\x00", None]
    for name in ("string", "large_string", "string_view"):
        yield name, (texts, getattr(pa, name)())
    for name in ("binary", "large_binary", "binary_view"):
        yield name, (octets, getattr(pa, name)())
    yield "fixed binary", ([b"abc", b"\xff\x00\x01", None], pa.binary(3))
    yield "fixed binary of 0", ([b"", None], pa.binary(0))


def _storage(kind: Any, values: list[Any]) -> Callable[[], Any]:
    return lambda: pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))


def _extensions() -> Iterator[tuple[str, Callable[[], Any]]]:
    tensor = pa.fixed_shape_tensor(pa.float32(), [2, 2])
    turned = pa.fixed_shape_tensor(pa.int16(), [2, 3], permutation=[1, 0])
    yield "tensor", _storage(tensor, [[1.0, 2.0, 3.0, 4.0], None])
    yield "tensor turned", _storage(turned, [[1, 2, 3, 4, 5, 6]])
    yield "tensor of 0", _storage(pa.fixed_shape_tensor(pa.int8(), [0]), [[], []])
    yield "uuid", _storage(pa.uuid(), [uuid.UUID(int=7).bytes, None])
    yield "json", _storage(pa.json_(), ['{"a": 1}', None])
    yield "bool8", _storage(pa.bool8(), [0, 1, None])
    yield "opaque", _storage(pa.opaque(pa.binary(), "thing", "maker"), [b"x", None])
    yield (
        "list of uuid",
        lambda: pa.ListArray.from_arrays(
            [0, 1, 1], _storage(pa.uuid(), [uuid.UUID(int=7).bytes])()
        ),
    )
    yield "unknown extension", _unknown


def _unknown() -> Any:
    """Return a column of an extension type that only its writer knows."""
    metadata = {"ARROW:extension:name": "maker.thing", "ARROW:extension:metadata": "x"}
    return pa.chunked_array([pa.array([1, 2])]), metadata


def _unions() -> Iterator[tuple[str, Callable[[], Any]]]:
    tags, places = pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32())
    yield (
        "dense union",
        lambda: pa.UnionArray.from_dense(tags, places, [pa.array([1, 2]), pa.array(["x"])]),
    )
    yield (
        "sparse union",
        lambda: pa.UnionArray.from_sparse(tags, [pa.array([1, 0, 2]), pa.array(["", "x", ""])]),
    )
    yield (
        "list of union",
        lambda: pa.ListArray.from_arrays(
            [0, 2, 3],
            pa.UnionArray.from_dense(tags, places, [pa.array([1, 2]), pa.array(["x"])]),
        ),
    )


def _dictionaries() -> Iterator[tuple[str, Callable[[], Any]]]:
    for index in ("int8", "uint8", "int16", "uint32", "int64", "uint64"):
        yield (
            f"dictionary {index}",
            lambda index=index: pa.DictionaryArray.from_arrays(
                pa.array([0, 1, None, 0], getattr(pa, index)()), pa.array(["a", "b"])
            ),
        )
    values = {
        "int": pa.array([7, 8]),
        "bytes": pa.array([b"a", b"\xff"]),
        "timestamp": pa.array([0, 1], pa.timestamp("ns")),
        "decimal": pa.array([Decimal("1.5"), Decimal("2.5")]),
        "list": pa.array([[1], [2, 3]]),
        "struct": pa.array([{"a": 1}, {"a": 2}]),
        "view": pa.array(["a", "b"], pa.string_view()),
        "null": pa.array(["a", None]),
    }
    for name, content in values.items():
        yield (
            f"dictionary of {name}",
            lambda content=content: pa.DictionaryArray.from_arrays(
                pa.array([0, 1, None], pa.int8()), content
            ),
        )
    yield (
        "dictionary ordered",
        lambda: pa.DictionaryArray.from_arrays(
            pa.array([0, 1], pa.int8()), pa.array(["a", "b"]), ordered=True
        ),
    )
    yield (
        "dictionary of dictionary",
        lambda: pa.DictionaryArray.from_arrays(
            pa.array([0, 1], pa.int8()), pa.array(["a", "b"]).dictionary_encode()
        ),
    )


BASES: dict[str, tuple[list[Any], Any]] = dict([*_plain(), *_texts()])
# Those whose wrappers are looked at in CI.
OFTEN = ("null", "float64", "timestamp us far", "string", "binary")


def _wrapped(values: list[Any], kind: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    several = [values, [], None, values[:1]]
    yield "list", lambda: pa.array(several, pa.list_(kind))
    yield "large list", lambda: pa.array(several, pa.large_list(kind))
    yield "fixed list", lambda: pa.array([values[:2], None], pa.list_(kind, 2))
    yield "list view", lambda: pa.array(several, pa.list_view(kind))
    yield (
        "struct",
        lambda: pa.array([{"a": value} for value in values] + [None], pa.struct([("a", kind)])),
    )
    yield (
        "map",
        lambda: pa.array(
            [[("k", value) for value in values[:1]], [], None], pa.map_(pa.string(), kind)
        ),
    )
    yield "list of dictionary", lambda: _dictionaries_in_lists(values, kind)
    yield (
        "run-end encoded",
        lambda: pa.RunEndEncodedArray.from_arrays(
            pa.array(range(1, len(values) + 1), pa.int32()), pa.array(values, kind)
        ),
    )


def _dictionaries_in_lists(values: list[Any], kind: Any) -> Any:
    whole = pa.array(values, kind)
    encoded = pa.DictionaryArray.from_arrays(pa.array(range(len(whole)), pa.int8()), whole)
    return pa.ListArray.from_arrays([0, len(values), len(values)], encoded)


def _nested() -> Iterator[tuple[str, Callable[[], Any]]]:
    yield "deep list", lambda: pa.array([[[[1], []], []], None])
    yield (
        "struct of all",
        lambda: pa.array([{"a": 1, "b": ["x"], "c": {"d": b"y", "e": NOON}}, None]),
    )
    yield "struct of nothing", lambda: pa.array([{}, None], pa.struct([]))
    yield (
        "struct with a name twice",
        lambda: pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]),
    )
    yield "list of size 0", lambda: pa.array([[], None], pa.list_(pa.string(), 0))
    yield (
        "map of lists",
        lambda: pa.array([[("k", [1, None])], None], pa.map_(pa.string(), pa.list_(pa.int8()))),
    )
    yield (
        "map of times",
        lambda: pa.array([[(NOON, 1)], None], pa.map_(pa.timestamp("us"), pa.int8())),
    )
    yield "run-end encoded", lambda: pc.run_end_encode(pa.array(["a", "a", None, "b"]))
    yield "large list view", lambda: pa.array([[1], None], pa.large_list_view(pa.int8()))


def columns(*, full: bool) -> dict[str, Callable[[], Any]]:
    """Return builders of columns by type; with `full`, of each type within each other."""
    found: dict[str, Callable[[], Any]] = {
        name: (lambda base=base: pa.array(*base)) for name, base in BASES.items()
    }
    found.update([*_nested(), *_extensions(), *_unions(), *_dictionaries()])
    for name in BASES if full else OFTEN:
        for wrapper, build in _wrapped(*BASES[name]):
            found[f"{wrapper} of {name}"] = build
    return found
