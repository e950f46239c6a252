"""Values of HDF5 files as arrays without Python objects, and as JSON.

| in the file | here |
| --- | --- |
| variable-length strings | bytes (`S`) padded to the longest, usually UTF-8 |
| references | the path of their target, as bytes |
| variable-length lists | one JSON string each, as bytes |
| enumerations | their numbers; FALSE and TRUE become booleans |
| compound types | structured dtypes, converted field by field |
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import orjson

from tiled_client.wire.json_values import array_to_json, json_default

from ...encoding import Array
from ...errors import Unreadable
from ...regions import Region
from .virtual import VirtualDataset

# Larger attributes are reported by their shape only.
MAX_ATTRIBUTE_ELEMENTS = 1000
MAX_ATTRIBUTE_CHARACTERS = 10_000


def has_objects(dtype: np.dtype[Any]) -> bool:
    """Return whether the width of elements is known only after reading them."""
    return bool(dtype.hasobject)


def pack_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a dtype without objects and without padding between its fields."""
    if dtype.names is None:
        return np.dtype(dtype.str) if dtype.subdtype is None else dtype
    assert dtype.fields is not None
    fields = [(name, pack_dtype(dtype.fields[name][0])) for name in dtype.names]
    return np.dtype([(name, field.base, field.shape) for name, field in fields])


def opaque_values(dataset: h5py.Dataset | VirtualDataset, region: Region) -> Array:
    """Read a region of a dataset of an opaque type, whatever its tag.

    The library converts only between equal tags, and numpy's types have none.
    """
    if isinstance(dataset, VirtualDataset):
        return dataset.read(region, dataset.kind)
    counts = tuple(len(range(part.start, part.stop, part.step)) for part in region)
    values = np.empty(counts, dataset.dtype)
    space = dataset.id.get_space()
    if region:
        starts, steps = zip(*((part.start, part.step) for part in region), strict=True)
        space.select_hyperslab(starts, counts, steps)
    memory = h5py.h5s.create_simple(counts) if region else h5py.h5s.create(h5py.h5s.SCALAR)
    dataset.id.read(memory, space, values, dataset.id.get_type())
    return values


def to_plain_values(array: Array, dataset: h5py.Dataset | VirtualDataset) -> Array:
    """Convert an array read from `dataset` to one without Python objects."""
    return _to_plain_values(array, dataset.dtype, dataset.file)


def _to_plain_values(array: Array, dtype: np.dtype[Any], file: h5py.File) -> Array:
    if dtype.names is not None:
        assert dtype.fields is not None
        columns = {
            name: _to_plain_values(array[name], dtype.fields[name][0], file) for name in dtype.names
        }
        return _records(columns, np.shape(array))
    if not dtype.hasobject:
        return np.asarray(array).astype(pack_dtype(dtype.base), copy=False)
    octets = [_to_bytes(value, file) for value in np.asarray(array, object).reshape(-1)]
    return np.array(octets or [b""], dtype=bytes)[: len(octets)].reshape(np.shape(array))


def _records(columns: dict[str, Array], shape: tuple[int, ...]) -> Array:
    fields = [(name, column.dtype, column.shape[len(shape) :]) for name, column in columns.items()]
    records = np.empty(shape, np.dtype(fields))
    for name, column in columns.items():
        records[name] = column
    return records


def _to_bytes(value: Any, file: h5py.File) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return value.encode("utf-8", "surrogateescape")
        case h5py.Reference():
            return _target(value, file)
        case None | int():
            return b""
    return orjson.dumps(_json(value, file), option=orjson.OPT_SERIALIZE_NUMPY)


def _target(reference: h5py.Reference, file: h5py.File) -> bytes:
    return (h5py.h5r.get_name(reference, file.id) or b"") if reference else b""


def read_attributes(found: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """Return the attributes as JSON values; unreadable ones become an error text."""
    return {_text(name): _attribute(found, name) for name in found.attrs}


def _attribute(found: h5py.Group | h5py.Dataset, name: str) -> Any:
    try:
        # Checked before reading: a damaged file may claim any size.
        size = found.attrs.get_id(name).get_space().get_simple_extent_npoints()
        if size > MAX_ATTRIBUTE_ELEMENTS:
            return f"{size} elements"
        return _json(found.attrs[name], found.file)
    except Exception as error:  # noqa: BLE001 - the library raises nearly anything
        return f"cannot be read: {_text(str(error))}"


def _json(value: Any, file: h5py.File) -> Any:
    match value:
        case h5py.Empty():
            return None
        case h5py.Reference():
            return _text(_target(value, file))
        case str() | bytes():
            return _text(value)
        case np.ndarray() if value.dtype.hasobject and value.dtype.names is None:
            return [_json(one, file) for one in value]
        case np.ndarray() | np.generic():
            return _numbers(value, file)
    return value


def _numbers(value: Any, file: h5py.File) -> Any:
    array = np.asarray(value)
    if array.dtype.hasobject:
        array = _to_plain_values(array, array.dtype, file)
    if array.dtype.kind == "S":
        return _texts(array.tolist())
    found = array_to_json(array)
    found = found.tolist() if isinstance(found, np.ndarray) else found
    return orjson.loads(orjson.dumps(found, default=json_default))


def _texts(value: Any) -> Any:
    return [_texts(one) for one in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
    """Return bytes or a string as a valid string without NULs."""
    octets = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return octets.decode("utf-8", "replace").replace("\0", "")[:MAX_ATTRIBUTE_CHARACTERS]


def check_dtype(dataset: h5py.Dataset | VirtualDataset) -> np.dtype[Any]:
    """Return the dtype of a dataset. Raises Unreadable if numpy has none for it."""
    try:
        dtype: np.dtype[Any] = dataset.dtype
    except (TypeError, ValueError, OSError) as error:
        raise Unreadable(f"the type of {dataset.name} is not supported: {error}.") from error
    return dtype
