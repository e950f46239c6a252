"""Client object of containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import tables
from ..casting import unmasked_array
from ..regions import normalize_chunks
from ..uris import split_path
from ..wire.data_sources import DataSource
from ..wire.dtypes import dtype_from_numpy
from ..wire.structure_family import StructureFamily
from ..wire.structures import ArrayStructure, TableStructure
from .array import ArrayClient
from .array_creation import ArrayCreationMixin
from .base import Node
from .creation import DescriptionFields, NodeFields, create_node, delete_on_rejection
from .exporting import ExportRequest, File, name_list
from .listing import ListedContainer
from .table import TableClient

if TYPE_CHECKING:
    from typing import Unpack

    import pyarrow

SQL_TABLE = "application/x-tiled-sql-table"


class Container(ArrayCreationMixin, ListedContainer, family=StructureFamily.container):
    """A container on a server: a mapping of keys to nodes, listed page by page.

    `c["a", "b"]` and `c["a/b"]` fetch a node at a deeper level with one request.
    """

    def export(
        self, file: File, fields: Iterable[str] | None = None, *, format: str | None = None
    ) -> None:
        """Export the container with all nodes below it; see `Node.export`.

        Parameters
        ----------
        file
            A path, or a file object to write bytes to.
        fields
            Keys of the children to export; by default all.
        format
            File extension or media type; by default the extension of the path.
        """
        request = ExportRequest("container/full", {}, "field", name_list(fields))
        self._export(request, file, format)

    def create_container(
        self, key: str | None = None, **fields: Unpack[DescriptionFields]
    ) -> Container:
        """Create an empty container.

        Parameters
        ----------
        key
            Key of the container; by default a random UUID.
        **fields
            `metadata`, `specs` and `access_tags` of the node, as for `write_array`.

        Returns
        -------
        Container
            The new node.

        Raises
        ------
        Conflict
            If the key exists.

        Examples
        --------
        >>> client.create_container("scans", metadata={"year": 2026}).key
        'scans'
        """
        node = self.new(StructureFamily.container, key=key, **fields)
        assert isinstance(node, Container)
        return node

    def write_array(
        self,
        array: Any,
        *,
        dims: Sequence[str] | None = None,
        chunks: int | Sequence[int | Sequence[int]] | None = None,
        **fields: Unpack[NodeFields],
    ) -> ArrayClient:
        """Create an array and write it, chunk by chunk if it has several.

        Parameters
        ----------
        array
            A numpy array, or any value that `numpy.asarray` accepts.
        dims
            Names of the dimensions.
        chunks
            Chunk size for all dimensions, a size per dimension, or all sizes per dimension, as in
            dask; by default as large as one request may be.
        **fields
            Fields of the node: its `key` (by default a random UUID), its `metadata` (a mapping),
            its `specs` (names or `Spec` objects), and its `access_tags` (names).

        Returns
        -------
        ArrayClient
            The new node.

        Raises
        ------
        Conflict
            If the key exists.

        Examples
        --------
        >>> client.write_array(np.zeros((3, 4)), key="frame", dims=["y", "x"])
        <ArrayClient shape=(3, 4) chunks=((3,), (4,)) dtype=float64 dims=('y', 'x')>
        """
        array = unmasked_array(array)
        limit = self._http.options.bytes_per_request
        structure = ArrayStructure(
            dtype_from_numpy(array.dtype),
            array.shape,
            normalize_chunks(chunks, array.shape, array.dtype.itemsize, limit),
            tuple(dims) if dims else None,
        )
        node = self._create(ArrayClient, DataSource(StructureFamily.array, structure), fields)
        if array.size:
            several = any(len(sizes) > 1 for sizes in structure.chunks)
            with delete_on_rejection(node):
                (node.write_all_blocks if several else node.write)(array)
        return node

    def write_table(self, rows: tables.Rows, **fields: Unpack[NodeFields]) -> TableClient:
        """Create a table and write its rows.

        Parameters
        ----------
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, as for `write_array`.

        Returns
        -------
        TableClient
            The new node.

        Raises
        ------
        Conflict
            If the key exists.

        Examples
        --------
        >>> client.write_table({"time": [0, 1], "counts": [5, 7]})
        <TableClient ['time', 'counts'] npartitions=1>
        """
        table = tables.to_arrow(rows)
        structure = TableStructure.from_schema(table.schema)
        node = self._create(TableClient, DataSource(StructureFamily.table, structure), fields)
        with delete_on_rejection(node):
            node.write(table)
        return node

    def create_appendable_table(
        self,
        schema: pyarrow.Schema | Mapping[str, Any],
        *,
        table_name: str | None = None,
        **fields: Unpack[NodeFields],
    ) -> TableClient:
        """Create an empty table to append rows to.

        Parameters
        ----------
        schema
            An Arrow schema, or a mapping of column names to numpy or Arrow types.
        table_name
            Name of the SQL table, for servers that store rows in a database.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, as for `write_array`.

        Returns
        -------
        TableClient
            The new node.

        Raises
        ------
        Conflict
            If the key exists.

        Examples
        --------
        >>> table = client.create_appendable_table({"time": "i8", "counts": "f8"})
        >>> table.append({"time": [0], "counts": [5.0]})
        >>> len(table.read())
        1
        """
        source = DataSource(
            StructureFamily.table,
            TableStructure.from_schema(tables.to_schema(schema)),
            mimetype=SQL_TABLE,
            parameters={"table_name": table_name} if table_name else {},
        )
        return self._create(TableClient, source, fields)

    def new(
        self,
        structure_family: StructureFamily,
        data_sources: Sequence[DataSource] = (),
        **fields: Unpack[NodeFields],
    ) -> Node:
        """Create a node without writing data.

        Parameters
        ----------
        structure_family
            The kind of node.
        data_sources
            Its data source; one with assets registers files that exist.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, as for `write_array`.

        Returns
        -------
        Node
            The new node, of the class of its structure family.

        Raises
        ------
        Conflict
            If the key exists.
        """
        return create_node(
            self._session, self._path, structure_family, data_sources=data_sources, **fields
        )

    def delete_contents(
        self,
        keys: str | Iterable[str] | None = None,
        *,
        recursive: bool = False,
        external_only: bool = True,
    ) -> None:
        """Delete some children, or all.

        Parameters
        ----------
        keys
            Keys of the children; by default all.
        recursive, external_only
            See `Node.delete`.
        """
        names = [keys] if isinstance(keys, str) else list(self if keys is None else keys)
        params = {"recursive": recursive, "external_only": external_only}
        for name in names:
            self._http.delete("metadata", (*self._path, *split_path(name)), params=params)

    def __repr__(self) -> str:
        return f"<Container {'/' + '/'.join(self._path)}>"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)
