"""The operations on an array of some dtype."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
import orjson

from tiled_client.wire import messages
from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

from .operations import REFUSED, Answer, Array, Matrix, Outcome, content, heard, streamed

OCTETS = "application/octet-stream"


def run(matrix: Matrix, builders: Mapping[str, Callable[[], Array]]) -> None:
    """Declare an array of each dtype, write, extend, and read it in every way."""
    matrix.container()
    for matrix.case, build in builders.items():
        array = build()
        try:
            structure = ArrayStructure.from_array(array)
        except WireError as error:
            matrix.outcomes.append(Outcome(matrix.case, "describe", REFUSED, str(error)))
            continue
        if matrix.create(matrix.case, "array", structure.to_json()):
            _written(matrix, array, structure)
    matrix.container_is_whole()


def _written(matrix: Matrix, array: Array, structure: ArrayStructure) -> None:
    path = f"{matrix.box}/{quote(matrix.case, safe='')}"
    full = f"/api/v1/array/full/{path}"
    matrix.get("unwritten json", f"{full}?format=json")
    body = array.tobytes()
    with heard() as events:
        written = matrix.try_("write", lambda: matrix.send("PUT", full, body, OCTETS))
    if not written:
        return
    if array.shape and array.size:
        place = ",".join(["0"] * array.ndim)
        shape = ",".join(map(str, array.shape))
        patch = f"{full}?offset={place}&shape={shape}"
        matrix.try_("patch", lambda: matrix.send("PATCH", patch, body, OCTETS))
        end = ",".join([str(len(array)), *["0"] * (array.ndim - 1)])
        more = f"{full}?offset={end}&shape={shape}&extend=true"
        if matrix.try_("append", lambda: matrix.send("PATCH", more, body, OCTETS)):
            # From the bytes: numpy does not copy padding.
            array = np.frombuffer(body * 2, array.dtype).reshape(-1, *array.shape[1:])
    _read(matrix, array, path)
    for event in events[:1]:
        _streamed(matrix, body, event, structure)


def _read(matrix: Matrix, array: Array, path: str) -> None:
    full = f"/api/v1/array/full/{path}"
    address = f"{full}?format="
    octets = array.tobytes()
    matrix.get("octets", f"{address}{OCTETS}", lambda a: _differs(content(a), octets))
    matrix.get("npy", f"{address}npy", lambda a: _not_said(_said(_npy(a)), array))
    matrix.get("json", f"{address}json", lambda a: _not_said(orjson.loads(content(a)), array))
    matrix.get("csv", f"{address}csv", lambda a: _lines(a, array))
    for name in ("png", "tiff", "html"):
        matrix.get(name, f"{address}{name}")
    matrix.get("hdf5", f"{address}hdf5", lambda a: _in_hdf5(a, array))
    if array.ndim:
        block = ",".join(["0"] * array.ndim)
        matrix.get("block", f"/api/v1/array/block/{path}?block={block}&format=json")
        part = octets[: len(octets) // len(array)] if len(array) else b""
        matrix.get("slice", f"{address}{OCTETS}&slice=:1", lambda a: _differs(content(a), part))
    matrix.get("zarr 2", f"/zarr/v2/{path}/.zarray")
    if matrix.get("zarr 3", f"/zarr/v3/{path}/zarr.json") and array.size:
        chunk = "/".join(["c", *["0"] * array.ndim])
        matrix.get("zarr 3 chunk", f"/zarr/v3/{path}/{chunk}")


def _streamed(matrix: Matrix, body: bytes, event: Any, structure: ArrayStructure) -> None:
    message = messages.ArrayData(
        event.mimetype, event.shape, event.offset, event.block, event.persisted
    )
    packed, plain = streamed(message, bytes(event.payload), structure)
    matrix.say("msgpack", _differs(packed["payload"], body))
    array = np.frombuffer(body, structure.dtype).reshape(structure.shape) if body else None
    if array is not None:
        said = plain["payload"]
        # Elements without a JSON form are sent as their bytes, so that the stream continues.
        as_bytes = isinstance(said, str) and said.startswith("data:")
        matrix.say("stream json", "" if as_bytes else _not_said(said, array))


def _npy(answer: Answer) -> Array:
    return np.asarray(np.load(io.BytesIO(content(answer)), allow_pickle=False))


def _differs(found: bytes, expected: bytes) -> str:
    return "" if found == expected else f"{found!r:.200} for {expected!r:.200}"


def _not_said(found: Any, array: Array) -> str:
    expected = _said(array)
    return "" if found == expected else f"{found} for {expected}"


def _said(array: Array) -> Any:
    """Return the expected JSON of an array, element by element."""
    if array.ndim:
        return [_said(np.asarray(part)) for part in array]
    if array.dtype.names:
        return [_said(np.asarray(array[name])) for name in array.dtype.names]
    kind, value = array.dtype.kind, array[()]
    if kind in "SV":
        import base64

        encoded = base64.b64encode(bytes(value)).decode()
        return f"data:application/octet-stream;base64,{encoded}"
    if kind in "mM":
        if np.isnat(value):
            return None
        generic = np.datetime_data(array.dtype)[0] == "generic"
        return int(value.astype("i8")) if kind == "m" or generic else str(value)
    if kind == "c":
        return [_float(value.real), _float(value.imag)]
    if kind == "f":
        return _float(value)
    return value.item()


def _float(value: Any) -> float | None:
    with np.errstate(all="ignore"):
        plain = float(value)
    # Single precision has as many digits in JSON as it needs.
    plain = float(str(value)) if value.dtype == np.float32 else plain
    return plain if np.isfinite(plain) else None


def _lines(answer: Answer, array: Array) -> str:
    import csv

    lines = list(csv.reader(io.StringIO(content(answer).decode(), newline="")))
    rows = len(array) if array.ndim else 1
    return "" if len(lines) == rows else f"{len(lines)} lines for {rows} rows"


def _in_hdf5(answer: Answer, array: Array) -> str:
    import h5py

    with h5py.File(io.BytesIO(content(answer))) as file:
        (dataset,) = file.values()
        found = dataset[()]
        if dataset.shape != array.shape:
            return f"{dataset.shape} for {array.shape}"
        if array.dtype.kind in "biufcSV" and array.dtype.names is None:
            same = array.dtype.kind == "S" or found.tobytes() == array.tobytes()
            return "" if same else f"{found} for {array}"
    return ""
