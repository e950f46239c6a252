"""Export of a node, or of a container with its descendants, as an HDF5 file.

| node | in the file |
| --- | --- |
| container | a group |
| array | a dataset, with its dimension names as labels |
| table | a group with a dataset for each column |
| sparse array | a group with the datasets `data` and `coords`, and the attribute `shape` |
| awkward or ragged array | a group with a dataset for each buffer, `form` and `length` |
| unreadable data, or data without HDF5 form | an empty group with the reason in `not_exported` |

`form` (JSON) and `length` are attributes, as `awkward.from_buffers` takes them. Metadata become
attributes. See `hdf5.values` for the form of elements and attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import pyarrow as pa

from core.budgets import Exhausted, Reservation
from core.errors import BadRequest, ServiceError
from tiled_client.wire.errors import WireError
from tiled_client.wire.expanded_size import expanded_nbytes
from tiled_client.wire.sparse import Coo, SparseStructure
from tiled_client.wire.structures import (
    ArrayStructure,
    AwkwardStructure,
    RaggedStructure,
    TableStructure,
)

from ...config import export_settings
from ...models import Node
from ...services.arrays.awkward import read_awkward
from ...services.arrays.ragged import read_ragged
from ...services.arrays.sparse import read_sparse
from ...services.nodes.subtrees import Subtree
from ...services.tables.reading import RowSelection
from ...storage.errors import StorageError
from ...storage.selection_chunks import split_shape
from ..exports import Export, unsupported_data_error
from ..sparse import Elements
from ..temporary_files import path_chunks
from .columns import write_columns
from .values import dataset_dtype, dataset_values, link_name, write_attributes, write_units

Array = np.ndarray[Any, Any]

# The oldest file format with attributes of any size; readable since HDF5 1.8.
VERSION = ("v108", "latest")
NOT_EXPORTED = "not_exported"
DATA = "data"
# Errors of h5py for values that it cannot write.
UNSUPPORTED_VALUE_ERRORS = (TypeError, ValueError, OverflowError)
# Errors of the data of one node: the export continues with the other nodes.
UNREADABLE = (
    *(ServiceError, StorageError, WireError, pa.ArrowException, *UNSUPPORTED_VALUE_ERRORS),
    *(LookupError, ArithmeticError, AttributeError, RuntimeError, SystemError),
)


class ExportTooLarge(BadRequest):
    """The export would exceed its size limit."""


@dataclass
class SizeBudget:
    """Counts the bytes written, and reserves them from the budget of temporary files."""

    limit: int
    grown: Reservation
    size: int = 0

    def add(self, size: int) -> None:
        """Count bytes before they are written. Raises ExportTooLarge and Exhausted."""
        self.size += size
        if self.size > self.limit:
            raise ExportTooLarge(
                f"Export would exceed {self.limit} bytes. Select some children ('?field=...'), or "
                "export a part of it."
            )
        self.grown.by(size)


def array_file(export: Export[Array]) -> Iterator[bytes]:
    """Yield a file with one dataset, named for the node."""

    def write(file: Any, grown: Reservation) -> None:
        grown.by(export.data.nbytes)
        dataset = _new_dataset(file, export.key or DATA, export.data.shape, export.data.dtype)
        _label(dataset, export.dims)
        dataset[...] = dataset_values(export.data)
        write_attributes(dataset, export.metadata)

    return _file(export, write)


def table_file(export: Export[RowSelection]) -> Iterator[bytes]:
    """Yield a file with a dataset for each column."""

    def write(file: Any, grown: Reservation) -> None:
        write_attributes(file, export.metadata)
        write_columns(file, export.data, SizeBudget(export_settings().bytesize_limit, grown).add)

    return _file(export, write)


def sparse_file(export: Export[Elements]) -> Iterator[bytes]:
    """Yield a file with the datasets `data` and `coords`."""

    def write(file: Any, grown: Reservation) -> None:
        grown.by(export.data.coo.nbytes)
        write_attributes(file, export.metadata)
        _write_coo(file, export.data.coo)

    return _file(export, write)


def container_file(export: Export[Subtree]) -> Iterator[bytes]:
    """Yield an HDF5 file of the container, which holds one part of it in memory at a time."""

    def write(file: Any, grown: Reservation) -> None:
        write_attributes(file, export.metadata)
        amount = SizeBudget(export_settings().bytesize_limit, grown)
        groups = [file]
        for depth, item in export.data.walk():
            if depth:
                del groups[depth:]
                groups.append(_write_item(groups[-1], item, amount))

    return _file(export, write)


def _file(export: Export[Any], write: Any) -> Iterator[bytes]:
    def write_file(path: str, grown: Reservation) -> None:
        try:
            with h5py.File(path, "w", libver=VERSION) as file:
                write(file, grown)
        except UNSUPPORTED_VALUE_ERRORS as error:
            raise unsupported_data_error(str(error), export.media_type) from error

    return path_chunks(write_file, export.address)


def _write_item(group: Any, item: Subtree, amount: SizeBudget) -> Any:
    """Write a node without its descendants; return its group or dataset."""
    name = link_name(item.key)
    try:
        made = _write_data(group, name, item, amount)
        write_attributes(made, item.metadata)
    except (ExportTooLarge, Exhausted):
        raise
    except UNREADABLE as error:
        group.pop(name, None)
        made = group.create_group(name)
        made.attrs[NOT_EXPORTED] = str(error)
    return made


def _write_data(group: Any, name: str, item: Subtree, amount: SizeBudget) -> Any:
    if isinstance(item.structure, ArrayStructure):
        return _write_array(group, name, item, item.structure, amount)
    if item.problem is not None:
        raise item.problem
    made = group.create_group(name)
    if isinstance(item.structure, TableStructure):
        write_columns(made, item.select_rows(), amount.add)
    elif item.family != "container":
        _write_elements(made, item.stored(), amount)
    return made


def _write_elements(made: Any, node: Node, amount: SizeBudget) -> None:
    match node.structure:
        case SparseStructure():
            coo = read_sparse(node)
            amount.add(coo.nbytes)
            _write_coo(made, coo)
        case AwkwardStructure():
            _write_buffers(made, read_awkward(node), amount)
        case RaggedStructure():
            _write_buffers(made, read_ragged(node), amount)
        case _:
            made.attrs[NOT_EXPORTED] = (
                f"A node of family {node.family} cannot be represented in HDF5."
            )


def _write_array(
    group: Any, name: str, item: Subtree, structure: ArrayStructure, amount: SizeBudget
) -> Any:
    amount.add(structure.nbytes)
    dataset = _new_dataset(group, name, structure.shape, structure.dtype)
    _label(dataset, structure.dims)
    if not structure.shape:
        dataset[()] = dataset_values(item.read_array())
    else:
        for region in split_shape(structure.shape, structure.dtype.itemsize):
            dataset[region] = dataset_values(item.read_array(region))
    return dataset


def _new_dataset(group: Any, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    dataset = group.create_dataset(link_name(name), shape, dtype=dataset_dtype(dtype))
    write_units(dataset, dtype)
    return dataset


def _label(dataset: Any, dims: tuple[str, ...] | None) -> None:
    for number, name in enumerate(dims or ()):
        if name:
            dataset.dims[number].label = name


def _write_coo(group: Any, coo: Coo) -> None:
    group.create_dataset("data", data=coo.data)
    group.create_dataset("coords", data=coo.coords)
    group.attrs["shape"] = np.array(coo.shape, np.int64)


def _write_buffers(group: Any, array: Any, amount: SizeBudget) -> None:
    import awkward

    # Counted before expansion: shared items are written as often as they occur.
    amount.add(expanded_nbytes(array))
    form, length, buffers = awkward.to_buffers(awkward.to_packed(array))
    for name, buffer in buffers.items():
        group.create_dataset(name, data=dataset_values(np.asarray(buffer)))
    group.attrs["form"] = json.dumps(form.to_dict())
    group.attrs["length"] = length
