"""The operations on awkward and ragged arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import numpy as np

from tiled_client.wire import buffers, messages
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.dtypes import dtype_from_numpy
from tiled_client.wire.errors import WireError
from tiled_client.wire.ragged import RaggedStructure

from .operations import REFUSED, Matrix, Outcome, content, heard, streamed

ZIP = buffers.ZIP


def run_awkward(matrix: Matrix, builders: Mapping[str, Callable[[], Any]]) -> None:
    """Declare an array of each form, write, and read it in every way."""
    matrix.container()
    for matrix.case, build in builders.items():
        form, length, members = buffers.awkward_buffers(build())
        structure = AwkwardStructure(length, form)
        if matrix.create(matrix.case, "awkward", structure.to_json()):
            _written(matrix, buffers.zip_members(members), members, structure)
    matrix.container_is_whole()


def _written(matrix: Matrix, body: bytes, members: Any, structure: AwkwardStructure) -> None:
    path = f"{matrix.box}/{quote(matrix.case, safe='')}"
    full = f"/api/v1/awkward/full/{path}"
    matrix.get("unwritten", full)
    with heard() as events:
        if not matrix.try_("write", lambda: matrix.send("PUT", full, body, ZIP)):
            return
    same = lambda a: "" if buffers.unzip_members(content(a)) == members else "other buffers"  # noqa: E731
    matrix.get("zip", full, same)
    for name in ("json", "arrow", "parquet"):
        matrix.get(name, f"{full}?format={name}")
    for event in events:
        message = messages.AwkwardData(event.mimetype, event.length, event.persisted)
        packed, plain = streamed(message, event.payload, structure)
        matrix.say("msgpack", "" if packed["payload"] == body else "other bytes")
        matrix.say("stream json", "" if "payload" in plain else "no payload")


def ragged_cases() -> dict[str, Callable[[], tuple[Any, tuple[int | None, ...]]]]:
    """Return builders of rows of each dtype, and of several shapes."""
    found: dict[str, Any] = {}
    for order in "<>":
        for kind in ("?", "i1", "i2", "i8", "u4", "u8", "f2", "f4", "f8", "c8", "c16"):
            found[f"ragged {order}{kind}"] = lambda d=order + kind: (np.dtype(d), (2, None))
    for shape in ((2, None, None), (2, 3), (2, None, 2), (2, 0), (2, None, 0), (0, None), (2,)):
        found[f"ragged {shape}"] = lambda shape=shape: (np.dtype("<f8"), shape)
    found["ragged float16 of 0"] = lambda: (np.dtype("<f2"), (2, 0))
    found["ragged M8"] = lambda: (np.dtype("<M8[s]"), (2, None))
    found["ragged S"] = lambda: (np.dtype("S3"), (2, None))
    return found


def run_ragged(matrix: Matrix, builders: Mapping[str, Callable[[], Any]]) -> None:
    """Declare ragged arrays, write, append, and read them in every way."""
    matrix.container()
    for matrix.case, build in builders.items():
        dtype, shape = build()
        chunks = ((shape[0],), *[None if size is None else (size,) for size in shape[1:]])
        structure = RaggedStructure(dtype_from_numpy(dtype), shape, 0, chunks)
        if matrix.create(matrix.case, "ragged", structure.to_json()):
            _rows_written(matrix, dtype, shape)
    matrix.container_is_whole()


def _rows_written(matrix: Matrix, dtype: Any, shape: tuple[int | None, ...]) -> None:
    path = f"{matrix.box}/{quote(matrix.case, safe='')}"
    full = f"/api/v1/ragged/full/{path}"
    matrix.get("unwritten", f"{full}?format=json")
    rows = _rows(dtype, shape)
    try:
        body = buffers.ragged_body(rows)
    except WireError as error:
        matrix.outcomes.append(Outcome(matrix.case, "body", REFUSED, str(error)))
        return
    if not matrix.try_("write", lambda: matrix.send("PUT", full, body, ZIP)):
        return
    more = f"{full}?offset={shape[0]}&shape={len(rows)}&extend=true"
    matrix.try_("append", lambda: matrix.send("PATCH", more, body, ZIP))
    for name in ("zip", "json", "arrow", "parquet"):
        matrix.get(name, f"{full}?format={name}")


def _rows(dtype: Any, shape: tuple[int | None, ...]) -> Any:
    import awkward as ak

    array = np.ones([2 if size is None else size for size in shape], dtype.newbyteorder("="))
    rows = ak.Array(array)
    for axis, size in enumerate(shape):
        rows = ak.from_regular(rows, axis) if axis and size is None else rows
    return rows
