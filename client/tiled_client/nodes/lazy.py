"""Client objects with lazy reads: arrays and tables of dask, computed from requests for chunks."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tables
from ..documents import Resource
from ..http.operations import run
from ..optional import require_package
from ..regions import Region, narrow, normalize_chunks, select
from ..sparse import to_coo
from ..wire.reductions import Reduction
from ..wire.slices import as_index, expand_index
from ..wire.sparse import Coo
from ..wire.structure_family import StructureFamily
from .array import ArrayClient
from .classes import DASK, NUMPY
from .node import Node
from .sparse import SparseClient
from .table import TableClient
from .table_reading import check_column_label


class DaskArrayClient(ArrayClient, family=StructureFamily.array, clients=DASK):
    """An array on a server that is read as a dask array, in the chunks of the server.

    Shape and chunks are those last fetched; `refresh()` fetches them again.

    Examples
    --------
    >>> x.dask[1:].sum().compute()
    np.int64(5)
    """

    def read(self, slice: Any = ..., *, reduce: str | None = None, chunks: Any = None) -> Any:
        """Return the array, or a part or a reduction of it, as a dask array.

        Parameters
        ----------
        slice
            The part to read, as `numpy.s_[::4, ::4]` or its text.
        reduce
            How the server makes the part smaller; see `ArrayClient.read`.
        chunks
            Other chunks than those of the server, as dask accepts them: "auto" joins small chunks
            into chunks of 128 MiB, each of which is one request or a few.

        Returns
        -------
        dask.array.Array
            An array that fetches its chunks when it is computed.

        Examples
        --------
        >>> x.dask.read().mean().compute()
        np.float64(2.0)
        """
        index = as_index(slice, self.ndim) if isinstance(slice, str) else slice
        if reduce is not None:
            limit = self._http.options.bytes_per_request
            reduced = _ReducedArray(_plain(self), index, reduce, limit)
            return _from_chunks(reduced, chunks, getitem=_get_part)
        array = _from_chunks(_plain(self), chunks)
        return array if index is ... else array[index]

    def __getitem__(self, index: Any) -> Any:
        """Return a part of the array, as a dask array."""
        return self.read(index)

    def read_block(self, block: Sequence[int], index: Any = ...) -> Any:
        """Return one chunk, or a slice of it, as a dask array.

        Parameters
        ----------
        block
            The number of the chunk along each dimension.
        index
            The part of the chunk, as in `numpy.s_[:, 0]`.

        Returns
        -------
        dask.array.Array
            An array that fetches the chunk when it is computed.
        """
        return self.read().blocks[tuple(block)][index]

    def compute(self) -> np.ndarray[Any, Any]:
        """Fetch the whole array, as a numpy array.

        Returns
        -------
        numpy.ndarray
            All elements.
        """
        return np.asarray(run(self._read_slice(...)))

    def to_dask_array(self) -> Any:
        """Return `read()`: `dask.array.asarray` accepts the client object.

        Returns
        -------
        dask.array.Array
        """
        return self.read()


class DaskSparseClient(SparseClient, family=StructureFamily.sparse, clients=DASK):
    """A sparse array on a server that is read as a dask array with chunks of `sparse.COO`.

    Examples
    --------
    >>> s = client.write_sparse(np.array([[0, 2], [1, 3]]), np.array([1.5, 2.5]), (3, 4), key="s")
    >>> s.dask.read().sum(axis=0).compute().todense()
    array([0. , 1.5, 0. , 2.5])
    """

    def read(self, slice: Any = ...) -> Any:
        """Return the array, or a slice of it, as a dask array.

        Parameters
        ----------
        slice
            The part to read, as in `numpy.s_[:, 0]`.

        Returns
        -------
        dask.array.Array
            An array that fetches its chunks when it is computed.
        """
        empty = Coo(np.empty((self.ndim, 0), int), np.empty(0, self.dtype), (0,) * self.ndim)
        array = _from_chunks(_plain(self), None, meta=to_coo(empty))
        return array if slice is ... else array[slice]

    def __getitem__(self, index: Any) -> Any:
        """Return a part of the array, as a dask array."""
        return self.read(index)

    def read_block(self, block: Sequence[int], slice: Any = ...) -> Any:
        """Return one chunk, or a slice of it, as a dask array.

        Parameters
        ----------
        block
            The number of the chunk along each dimension.
        slice
            The part of the chunk.

        Returns
        -------
        dask.array.Array
        """
        return self.read().blocks[tuple(block)][slice]

    def compute(self) -> Any:
        """Fetch the whole array, as a `sparse.COO`.

        Returns
        -------
        sparse.COO
            All elements.
        """
        return to_coo(self.read_elements())

    def todense(self) -> np.ndarray[Any, Any]:
        """Fetch the array as a dense numpy array.

        Returns
        -------
        numpy.ndarray
            All elements, those that are not stored included.
        """
        dense: np.ndarray[Any, Any] = self.compute().todense()
        return dense


class DaskTableClient(TableClient, family=StructureFamily.table, clients=DASK):
    """A table on a server that is read as a dask DataFrame, in the partitions of the server.

    Examples
    --------
    >>> t = client.write_table({"time": [0, 1], "counts": [5, 7]})
    >>> int(t.dask["counts"].sum().compute())
    12
    """

    def read(self, columns: Sequence[str] | None = None) -> Any:
        """Return all rows, or some columns of them, as a dask DataFrame.

        Parameters
        ----------
        columns
            The columns to read; by default all. Columns that a computation does not use are not
            fetched.

        Returns
        -------
        dask.dataframe.DataFrame
            A frame that fetches its partitions when it is computed.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        return self._read_lazily(range(self.npartitions), columns)

    def __getitem__(self, column: Any) -> Any:
        """Return a column as a Series of dask, or a list of columns as a DataFrame of dask."""
        if isinstance(column, (list, tuple)):
            return self.read(column)
        # By position: the label of the column may be a number, whose name is its text.
        check_column_label(column)
        return self.read([column]).iloc[:, 0]

    def read_partition(self, partition: int, columns: Sequence[str] | None = None) -> Any:
        """Return the rows of one partition as a dask DataFrame.

        Parameters
        ----------
        partition
            The number of the partition.
        columns
            The columns to read; by default all.

        Returns
        -------
        dask.dataframe.DataFrame
            A frame that fetches the partition when it is computed.

        Raises
        ------
        KeyError
            If there is no such column.
        """
        return self._read_lazily([partition], columns)

    def compute(self) -> Any:
        """Fetch all rows, as a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            All rows.
        """
        return super().read()

    def _read_lazily(self, partitions: Sequence[int], columns: Sequence[str] | None) -> Any:
        dataframe = require_package("dask.dataframe", DASK)
        frame = dataframe.from_map(
            _PartitionReader(_plain(self)),
            partitions,
            meta=tables.empty_frame(self.schema),
            label="tiled",
        )
        return frame if columns is None else frame[list(columns)]


class _PartitionReader:
    """Reads one partition; dask passes the `columns` that a computation uses."""

    def __init__(self, table: TableClient) -> None:
        self._table = table
        self._token = uuid.uuid4().hex

    def __dask_tokenize__(self) -> str:
        return self._token

    def __call__(self, partition: int, *, columns: Sequence[str] | None = None) -> Any:
        return self._table.read_partition(partition, columns)


class _ReducedArray:
    """The reduction of an array, as an array whose parts are fetched by index."""

    def __init__(self, array: ArrayClient, index: Any, reduce: str, limit: int) -> None:
        items, reduction = expand_index(index, array.ndim), Reduction.parse(reduce)
        selected = select(items, array.shape).shape
        reduction.check(array.dtype, len(selected))
        self._array, self._items, self._reduce = array, items, reduce
        self._factors = (*(1,) * (len(selected) - len(reduction.factors)), *reduction.factors)
        self.shape = reduction.shape(selected)
        self.dtype = reduction.dtype(array.dtype)
        self.ndim = len(self.shape)
        self.chunks = normalize_chunks(None, self.shape, self.dtype.itemsize, limit)

    def __getitem__(self, cells: Region) -> np.ndarray[Any, Any]:
        source = tuple(
            slice(part.start * factor, part.stop * factor)
            for part, factor in zip(cells, self._factors, strict=True)
        )
        items = narrow(self._items, self._array.shape, source)
        return self._array.read(items, reduce=self._reduce)


def _plain(node: Any) -> Any:
    """Return the client object that fetches the data of a lazy one: small, since tasks have it."""
    resource = Resource(node.structure_family, structure=node.structure)
    return Node.build(node._session.with_structure_clients(NUMPY), node.path, resource)


def _from_chunks(source: Any, chunks: Any, *, meta: Any = None, getitem: Any = None) -> Any:
    """Return a dask array whose chunks are parts of `source`.

    Its name is new each time: the data of a node may change, and dask would reuse former results.
    """
    array = require_package("dask.array", DASK)
    if chunks is not None:
        chunks = array.core.normalize_chunks(
            chunks, source.shape, dtype=source.dtype, previous_chunks=source.chunks
        )
    return array.from_array(
        source,
        chunks=source.chunks if chunks is None else chunks,
        name=f"tiled-{uuid.uuid4().hex}",
        asarray=meta is None,
        fancy=False,
        getitem=getitem,
        meta=np.empty((0,) * source.ndim, source.dtype) if meta is None else meta,
    )


def _get_part(source: _ReducedArray, index: Any, *_: Any) -> Any:
    """Fetch a chunk of a reduction. dask does not merge slices into this function."""
    return source[index]
