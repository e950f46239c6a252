"""Round trips of numpy dtypes through the wire format."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tiled_client.wire.dtypes import dtype_from_json, dtype_from_numpy
from tiled_client.wire.errors import WireError

SCALARS = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(endianness="?"),
    npst.unsigned_integer_dtypes(endianness="?"),
    npst.floating_dtypes(endianness="?"),
    npst.complex_number_dtypes(endianness="?"),
    npst.datetime64_dtypes(endianness="?"),
    npst.timedelta64_dtypes(endianness="?"),
    npst.byte_string_dtypes(),
    npst.unicode_string_dtypes(endianness="?"),
)


def structured(inner: st.SearchStrategy[np.dtype]) -> st.SearchStrategy[np.dtype]:
    names = st.text("abcxyz ", min_size=1, max_size=3)
    shapes = st.just(()) | npst.array_shapes(max_dims=2, max_side=3)
    fields = st.lists(
        st.tuples(names, inner, shapes), min_size=1, max_size=3, unique_by=lambda f: f[0]
    )
    return fields.map(np.dtype)


@given(st.recursive(SCALARS, structured, max_leaves=4))
def test_a_dtype_survives_a_round_trip(dtype: np.dtype) -> None:
    said = json.loads(json.dumps(dtype_from_numpy(dtype).to_json()))
    assert dtype_from_json(said).to_numpy() == dtype


def test_units_of_time_are_said_with_their_count() -> None:
    assert dtype_from_numpy(np.dtype("M8[25s]")).to_json()["dt_units"] == "[25s]"
    assert dtype_from_numpy(np.dtype("m8[ns]")).to_json()["dt_units"] == "[ns]"


def test_trailing_padding_of_a_structured_dtype_is_kept() -> None:
    dtype = np.dtype({"names": ["a"], "formats": ["<i4"], "offsets": [0], "itemsize": 8})
    assert dtype_from_json(dtype_from_numpy(dtype).to_json()).to_numpy() == dtype


@pytest.mark.parametrize(
    "dtype", [np.dtype(object), np.dtype({"names": ["a"], "formats": ["i4"], "offsets": [4]})]
)
def test_dtypes_without_wire_format_are_rejected(dtype: np.dtype) -> None:
    with pytest.raises(WireError, match="cannot be sent"):
        dtype_from_numpy(dtype)


@given(
    st.recursive(
        st.none() | st.integers(-9, 99) | st.sampled_from(["little", "i", "f", "U", "[ns]", ""]),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "endianness",
                        "kind",
                        "itemsize",
                        "dt_units",
                        "fields",
                        "name",
                        "dtype",
                        "shape",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_whatever_else_is_said_is_a_dtype_or_refused(value: object) -> None:
    with contextlib.suppress(WireError):  # and no other error
        dtype_from_json(value).to_numpy()
