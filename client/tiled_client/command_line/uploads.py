"""Files of several formats as new nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..optional import require_package
from .folders import METADATA
from .output import note

Fields = Mapping[str, Any]
Upload = Callable[[Any, Path, str, Fields], Any]
FILES = "files"
"""The extra of this distribution with the libraries that read files."""


def upload(container: Any, path: Path, key: str | None, fields: Fields) -> Any:
    """Create a node of a file or folder in a container, and return it.

    A JSON file is merged into the metadata of `container`, which is returned. Raises ValueError
    for an unknown format.
    """
    if path.is_dir():
        return upload_folder(container, path, key or path.resolve().name, fields)
    suffix = path.suffix.lower()
    if suffix == ".json":
        return _merge_metadata(container, path)
    function = UPLOADS.get(suffix)
    if function is None:
        known = ", ".join((*UPLOADS, ".json"))
        raise ValueError(f"{path} is of no known format: known are {known}, and folders.")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist.")
    return function(container, path, key or path.stem, fields)


def upload_folder(container: Any, folder: Path, key: str, fields: Fields) -> Any:
    """Create a container of the files in a folder, as `get` writes it; others are left out."""
    metadata = {**_read_metadata(folder / METADATA), **(fields.get("metadata") or {})}
    node = _create_container(container, key, fields, metadata)
    inherited = _inherited(fields)
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith(METADATA):
            continue
        if path.is_dir():
            upload_folder(node, path, path.name, inherited)
        elif path.suffix.lower() in UPLOADS:
            own = _read_metadata(folder / f"{path.stem}{METADATA}")
            upload(node, path, None, {**inherited, "metadata": own})
        else:
            note(f"Left out {path}: it is of no known format.")
    return node


def _create_container(container: Any, key: str, fields: Fields, metadata: Any) -> Any:
    """Create the container of a folder or group; one that exists is never replaced as a whole."""
    own = {**fields, "metadata": metadata}
    if "if_exists" in own:
        own["if_exists"] = "open"
    return container.create_container(key, **own)


def _inherited(fields: Fields) -> dict[str, Any]:
    """Return the fields of a folder or group that the nodes in it have, too."""
    return {name: fields[name] for name in ("access_tags", "if_exists") if name in fields}


def _merge_metadata(node: Any, path: Path) -> Any:
    metadata = _read_metadata(path, must_exist=True)
    node.update_metadata(metadata)
    return node


def _read_metadata(path: Path, *, must_exist: bool = False) -> dict[str, Any]:
    if not must_exist and not path.exists():
        return {}
    try:
        value = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}.") from error
    if not isinstance(value, dict):
        raise TypeError(f"{path} must be a JSON object, with the metadata of a node.")
    return value


def _npy(container: Any, path: Path, key: str, fields: Fields) -> Any:
    import numpy

    # Mapped: a large array is read from the file piece by piece while it is sent.
    return container.write_array(numpy.load(path, mmap_mode="r"), key=key, **fields)


def _npz(container: Any, path: Path, key: str, fields: Fields) -> Any:
    import numpy

    node = _create_container(container, key, fields, fields.get("metadata"))
    with numpy.load(path) as arrays:
        for name, array in arrays.items():
            node.write_array(array, key=name, **_inherited(fields))
    return node


def _tiff(container: Any, path: Path, key: str, fields: Fields) -> Any:
    tifffile = require_package("tifffile", FILES)
    return container.write_array(tifffile.imread(path), key=key, **fields)


def _csv(container: Any, path: Path, key: str, fields: Fields) -> Any:
    csv = require_package("pyarrow.csv", "tables")
    return container.write_table(csv.read_csv(path), key=key, **fields)


def _parquet(container: Any, path: Path, key: str, fields: Fields) -> Any:
    parquet = require_package("pyarrow.parquet", "tables")
    return container.write_table(parquet.read_table(path), key=key, **fields)


def _arrow(container: Any, path: Path, key: str, fields: Fields) -> Any:
    feather = require_package("pyarrow.feather", "tables")
    return container.write_table(feather.read_table(path), key=key, **fields)


def _hdf5(container: Any, path: Path, key: str, fields: Fields) -> Any:
    h5py = require_package("h5py", FILES)
    with h5py.File(path) as file:
        return _group(h5py, container, file, key, fields)


def _group(h5py: Any, container: Any, group: Any, key: str, fields: Fields) -> Any:
    given = fields.get("metadata") or {}
    metadata = {**_attributes(group), **given}
    node = _create_container(container, key, fields, metadata)
    inherited = _inherited(fields)
    for name, item in group.items():
        if isinstance(item, h5py.Group):
            _group(h5py, node, item, name, inherited)
        elif (array := _array(h5py, item)) is not None:
            node.write_array(array, key=name, metadata=_attributes(item), **inherited)
        else:
            note(f"Left out {item.name} of {item.file.filename}: its type is {item.dtype}.")
    return node


def _array(h5py: Any, dataset: Any) -> Any:
    """Return the data of an HDF5 dataset as an array; None for types that no array has."""
    import numpy

    if h5py.check_string_dtype(dataset.dtype) is not None and dataset.dtype.kind == "O":
        return numpy.asarray(dataset.asstr(errors="replace")[()], dtype="U")
    known = dataset.dtype.kind in "biufcSUV" and dataset.shape is not None
    return dataset[()] if known else None


def _attributes(item: Any) -> dict[str, Any]:
    """Return the attributes of an HDF5 object; texts as texts."""
    found = {}
    for name, value in item.attrs.items():
        is_text = isinstance(value, bytes)
        found[name] = value.decode(errors="replace") if is_text else value
    return found


UPLOADS: dict[str, Upload] = {
    ".npy": _npy,
    ".npz": _npz,
    ".tif": _tiff,
    ".tiff": _tiff,
    ".csv": _csv,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
}
