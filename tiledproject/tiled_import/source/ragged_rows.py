"""Ragged arrays of Tiled in SQL: a row per chunk, with a list for each buffer of its form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tiled_client.wire.dtypes import dtype_from_json

CHUNK_COLUMN = "chunk_index"


def ragged_form(structure: Mapping[str, Any]) -> Any:
    """Return the `awkward` form of the chunks: inner fixed dimensions are in the numbers."""
    import awkward

    dtype = dtype_from_json(structure["data_type"]).to_numpy()
    primitive = awkward.types.numpytype.dtype_to_primitive(dtype.newbyteorder("="))
    shape = structure["shape"]
    last = max((n for n, size in enumerate(shape) if n and size is None), default=0)
    inner = tuple(shape[last + 1 :])
    form = awkward.forms.NumpyForm(primitive, inner_shape=inner, form_key=f"node{last}")
    for number in range(last, 0, -1):
        key = f"node{number - 1}"
        if shape[number] is None:
            form = awkward.forms.ListOffsetForm("i64", form, form_key=key)
        else:
            form = awkward.forms.RegularForm(form, shape[number], form_key=key)
    return form


def ragged_row_schema(form: Any) -> pa.Schema:
    """Return the columns of a chunk's row."""
    buffers = form.expected_from_buffers()
    fields = [pa.field(name, pa.list_(pa.from_numpy_dtype(t))) for name, t in buffers.items()]
    return pa.schema([*fields, pa.field(CHUNK_COLUMN, pa.int64())])


def chunk_of_row(form: Any, length: int, row: Mapping[str, Any]) -> Any:
    """Return the `awkward.Array` of a chunk."""
    import awkward

    buffers = {
        name: np.array(row[name], dtype=kind) for name, kind in form.expected_from_buffers().items()
    }
    return awkward.from_buffers(form, length, buffers)
