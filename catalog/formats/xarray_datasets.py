"""Containers of spec `xarray_dataset`, with one array per variable and coordinate.

Source: the writer in Tiled's client. Arrays have the spec `xarray_data_var` or `xarray_coord`,
their dimension names, and attributes in `attrs` of the metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from core.budgets import Reservation
from tiled_client.wire.structures import ArrayStructure

from ..config import storage_settings
from ..services.nodes.subtrees import Subtree
from ..services.response_limits import check_response_bytes
from .exports import Body, Export, unsupported_data_error
from .hdf5.values import attribute
from .tables import as_rows
from .temporary_files import path_chunks

if TYPE_CHECKING:
    import xarray

COORDINATE = "xarray_coord"


def as_table(export: Export[Subtree]) -> Body:
    """Return a row for each point of the dimensions, indexed by them, like `to_dataframe`."""
    frame = _dataset(export, limit=_limit()).to_dataframe()
    try:
        table = pa.Table.from_pandas(frame)
    except pa.ArrowException as error:
        raise unsupported_data_error(str(error), export.media_type) from error
    return as_rows(export, table)


def netcdf(export: Export[Subtree]) -> Iterator[bytes]:
    """Yield a netCDF-4 file, which is also an HDF5 file."""
    dataset = _dataset(export, limit=None)

    def write(path: str, grown: Reservation) -> None:
        grown.by(dataset.nbytes)
        try:
            dataset.to_netcdf(path, engine="h5netcdf")
        except (TypeError, ValueError, NotImplementedError) as error:
            raise unsupported_data_error(str(error), export.media_type) from error

    return path_chunks(write, export.address)


def _dataset(export: Export[Subtree], *, limit: int | None) -> xarray.Dataset:
    """Return the dataset; as a table, of at most `limit` bytes. Raise BadRequest, NotAcceptable."""
    import xarray

    arrays = {item.key: _structure(export, item) for item in export.data.children()}
    _check_size(arrays, limit)
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {}
    for item in export.data.children():
        kind = coordinates if COORDINATE in item.specs else variables
        dims = _dims(arrays[item.key])
        kind[item.key] = (dims, item.read_array(), _attributes(item.metadata))
    try:
        return xarray.Dataset(variables, coordinates, _attributes(export.metadata))
    except ValueError as error:
        raise unsupported_data_error(str(error), export.media_type) from error


def _structure(export: Export[Subtree], item: Subtree) -> ArrayStructure:
    if not isinstance(item.structure, ArrayStructure):
        raise unsupported_data_error(f"{item.key} is not an array", export.media_type)
    if len(set(dims := _dims(item.structure))) < len(dims):
        repeated = f"{item.key} has a dimension twice: {', '.join(dims)}"
        raise unsupported_data_error(repeated, export.media_type)
    return item.structure


def _check_size(arrays: Mapping[str, ArrayStructure], limit: int | None) -> None:
    """Raise BadRequest above the limit; a table repeats values along all other dimensions."""
    size = sum(array.nbytes for array in arrays.values())
    if limit is not None:
        sizes = {
            name: length
            for array in arrays.values()
            for name, length in zip(_dims(array), array.shape, strict=True)
        }
        width = sum(array.dtype.itemsize for array in arrays.values())
        size = max(size, width * int(np.prod(list(sizes.values()), dtype=object)))
    check_response_bytes(size, "Select some variables ('?field=...').")


def _dims(array: ArrayStructure) -> tuple[str, ...]:
    return array.dims or tuple(f"dim_{number}" for number in range(len(array.shape)))


def _attributes(metadata: Mapping[str, Any]) -> dict[str, Any]:
    attributes = metadata.get("attrs")
    if not isinstance(attributes, Mapping):
        return {}
    # netCDF has no booleans.
    return {
        name: int(value) if isinstance(value, bool) else attribute(value)
        for name, value in attributes.items()
        if name
    }


def _limit() -> int:
    return storage_settings().response_bytesize_limit
