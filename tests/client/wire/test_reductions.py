"""Reductions and regions of interest, compared with their definitions."""

from __future__ import annotations

import itertools
import math
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tiled_client.wire.errors import WireError
from tiled_client.wire.reductions import Operation, PartialReduction, Reduction
from tiled_client.wire.roi import RegionsOfInterest

SHAPES = npst.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6)
REAL = ["?", "i1", "<u2", ">u2", "<i4", ">u4", "<i8", "<u8", "<f2", ">f4", "<f8"]
COMPLEX = ["<c8", ">c16"]
EXPECTED = {
    "mean": {"?": "<f4", ">u2": "<f4", "<i4": "<f4", "<u8": "<f8", ">f4": "<f4", "<c8": "<c8"},
    "sum": {"?": "<u8", ">u2": "<u8", "i1": "<i8", "<f2": "<f8", ">f4": "<f8", "<c8": "<c16"},
    "max": {"?": "?", ">u2": ">u2", "<f2": "<f2"},
}


@st.composite
def arrays(draw: st.DrawFn, dtypes: list[str]) -> np.ndarray[Any, Any]:
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(SHAPES)
    elements = None
    if dtype.kind in "fc":
        # Small integers have sums that do not depend on the order.
        numbers = st.sampled_from([0, 1, 2, -3, 40, math.nan])
        elements = numbers.map(dtype.type)
    return draw(npst.arrays(dtype, shape, elements=elements))


def cell(operation: str, values: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> Any:
    """Return the operation on all elements that are not NaN, by its definition."""
    numbers = [value for value in values.ravel().tolist() if value == value]
    if not numbers:
        return math.nan
    if operation in ("min", "max"):
        return min(numbers) if operation == "min" else max(numbers)
    total = sum(numbers)
    if operation == "mean":
        return total / len(numbers)
    # Integers wrap around, as those of numpy do.
    return np.array([total % 2**64], "u8").view(dtype)[0] if dtype.kind in "iu" else total


@given(data=st.data(), operation=st.sampled_from(get_args(Operation)))
def test_a_reduction_is_that_of_the_elements_of_each_cell(
    data: st.DataObject, operation: Operation
) -> None:
    array = data.draw(arrays(REAL + (COMPLEX if operation in ("mean", "sum") else [])))
    factors = data.draw(st.lists(st.integers(1, 20), min_size=1, max_size=array.ndim))
    reduction = Reduction.parse(Reduction(operation, tuple(factors)).text)
    reduced = reduction.apply(array)
    assert reduced.dtype == reduction.dtype(array.dtype)
    lengths = (*(1,) * (array.ndim - len(factors)), *factors)
    expected = np.empty(
        [math.ceil(n / f) for n, f in zip(array.shape, lengths, strict=True)], reduced.dtype
    )
    for index in itertools.product(*map(range, expected.shape)):
        part = tuple(slice(i * f, (i + 1) * f) for i, f in zip(index, lengths, strict=True))
        expected[index] = cell(operation, array[part], reduced.dtype)
    assert reduced.shape == reduction.shape(array.shape)
    exact = operation != "mean" or (array.dtype.kind != "c" and array.dtype.itemsize < 8)
    compare = np.testing.assert_array_equal if exact else np.testing.assert_allclose
    compare(reduced, expected)


@given(data=st.data(), operation=st.sampled_from(get_args(Operation)))
def test_a_reduction_part_by_part_is_that_of_the_whole(
    data: st.DataObject, operation: Operation
) -> None:
    array = data.draw(arrays(REAL + (COMPLEX if operation in ("mean", "sum") else [])))
    factors = data.draw(st.lists(st.integers(1, 7), min_size=1, max_size=array.ndim))
    reduction = Reduction(operation, tuple(factors))
    partial = PartialReduction(reduction, array.shape, array.dtype)
    cuts = [
        sorted({0, size, *data.draw(st.lists(st.integers(0, size), max_size=2))})
        for size in array.shape
    ]
    for part in itertools.product(*[itertools.pairwise(edges) for edges in cuts]):
        partial.add(array[tuple(slice(*edges) for edges in part)], [first for first, _ in part])
    np.testing.assert_allclose(partial.result(), reduction.apply(array))


@pytest.mark.parametrize(
    ("operation", "data", "result"),
    [(name, data, result) for name, pairs in EXPECTED.items() for data, result in pairs.items()],
)
def test_the_dtype_of_a_reduction_is_that_of_the_documentation(
    operation: Operation, data: str, result: str
) -> None:
    assert Reduction(operation, (2,)).dtype(np.dtype(data)) == np.dtype(result)


def test_a_long_factor_is_as_exact_as_a_short_one() -> None:
    array = np.full((3000, 40), 65535, "u2")
    assert Reduction.parse("sum:3000,40").apply(array).item() == 65535 * 3000 * 40
    assert Reduction.parse("mean:2999,39").apply(array).tolist() == [[65535, 65535]] * 2
    assert Reduction.parse(f"max:{10**17}").apply(array).shape == (3000, 1)


@pytest.mark.parametrize(
    "text", ["", "mean", "mean:", "median:4", "mean:0", "mean:4,", "mean:-1", "mean:4.0", "Mean:2"]
)
def test_a_text_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(WireError, match="as in mean:4,4, not"):
        Reduction.parse(text)


@pytest.mark.parametrize("dtype", ["M8[ns]", "m8[s]", "S3", "U2", "V4", [("x", "f8")]])
def test_data_without_numbers_are_refused(dtype: Any) -> None:
    array = np.zeros(4, dtype)
    with pytest.raises(WireError, match="mean cannot be computed of data of dtype"):
        Reduction.parse("mean:2").apply(array)
    with pytest.raises(WireError, match="roi applies to"):
        RegionsOfInterest.parse("0:2").statistics(array)


def test_complex_numbers_have_no_maximum_and_no_more_factors_than_dimensions_are_taken() -> None:
    with pytest.raises(WireError, match="max cannot be computed of data of dtype complex64"):
        Reduction.parse("max:2").apply(np.zeros(4, "c8"))
    with pytest.raises(WireError, match="reduce has 2 factors, but the array, after slice, has 1"):
        Reduction.parse("mean:2,2").apply(np.zeros(4))


@given(data=st.data())
def test_the_statistics_of_a_region_are_those_of_its_finite_elements(data: st.DataObject) -> None:
    array = data.draw(arrays(REAL))
    if array.dtype.kind == "f" and array.size and data.draw(st.booleans()):
        array.flat[0] = np.inf
    ndim = data.draw(st.integers(1, array.ndim))
    edges = st.integers(0, 7).flatmap(
        lambda start: st.builds(slice, st.just(start), st.none() | st.integers(start + 1, 9))
    )
    regions = data.draw(st.lists(st.tuples(*[edges] * ndim), min_size=1, max_size=3))
    roi = RegionsOfInterest.parse(RegionsOfInterest(tuple(regions)).text)
    rows = roi.statistics(array)
    lead = array.shape[: array.ndim - ndim]
    assert len(rows) == math.prod(lead)
    for row, index in zip(rows, itertools.product(*map(range, lead)), strict=True):
        for found, region in zip(row, regions, strict=True):
            values = [v for v in array[(*index, *region)].ravel().tolist() if math.isfinite(v)]
            assert found["count"] == len(values)
            if not values:
                assert (found["mean"], found["sum"], found["min"], found["max"]) == (None,) * 4
                continue
            assert (found["min"], found["max"]) == (min(values), max(values))
            assert found["sum"] == pytest.approx(sum(values))
            assert found["mean"] == pytest.approx(sum(values) / len(values))


def test_a_sum_of_large_integers_is_exact_as_far_as_messages_hold_it() -> None:
    roi = RegionsOfInterest.parse(":")
    assert roi.statistics(np.array([2**62 + 1, 2**62]))[0][0]["sum"] == 2**63 + 1
    assert roi.statistics(np.full(4, 2**63, "u8"))[0][0]["sum"] == 2.0**65


@pytest.mark.parametrize("text", ["", "0:2;", "3", "0:2;0:2,0:2", "2:2", "0:4:2", "-1:2", "a:b"])
def test_regions_of_another_form_are_refused(text: str) -> None:
    with pytest.raises(WireError, match="roi must be regions separated by semicolons"):
        RegionsOfInterest.parse(text)


def test_regions_beyond_the_limit_or_of_more_dimensions_are_refused() -> None:
    with pytest.raises(WireError, match="roi has 33 regions; at most 32"):
        RegionsOfInterest.parse(";".join(["0:1"] * 33))
    with pytest.raises(WireError, match="roi has regions of 2 dimensions"):
        RegionsOfInterest.parse("0:1,0:1").statistics(np.zeros(3))
