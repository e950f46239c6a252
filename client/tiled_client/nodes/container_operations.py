"""What the containers of the blocking client and of the asyncio client have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from .. import tables
from ..arguments import dimension_names, flag, names_of, reject_unknown_fields
from ..array_values import to_array
from ..http.operations import Blocking, operation
from ..regions import normalize_chunks
from ..uris import split_path
from ..wire.data_sources import DataSource
from ..wire.dtypes import dtype_from_numpy
from ..wire.structure_family import StructureFamily
from ..wire.structures import ArrayStructure, TableStructure
from .array_creation import ArrayCreationMixin, AwkwardT, RaggedT, SparseT
from .creation import DescriptionFields, NodeFields, create_node, delete_on_rejection
from .dask_writing import is_lazy, write_lazy_array
from .exporting import ExportRequest, File, name_list
from .listing import ListingOperations
from .registration import RegistrationOperations

if TYPE_CHECKING:
    from typing import Unpack

    import pyarrow

SQL_TABLE = "application/x-tiled-sql-table"


ArrayT = TypeVar("ArrayT")
TableT = TypeVar("TableT")
ContainerT = TypeVar("ContainerT")


class ContainerOperations(
    ArrayCreationMixin[SparseT, RaggedT, AwkwardT],
    RegistrationOperations,
    ListingOperations,
    Generic[ContainerT, ArrayT, TableT, SparseT, RaggedT, AwkwardT],
):
    """A container, as both clients have it; its parameters are the classes of the nodes in it."""

    @operation
    async def export(
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
        await self._export(request, file, format)

    @operation
    async def create_container(
        self, key: str | None = None, **fields: Unpack[DescriptionFields]
    ) -> ContainerT:
        """Create an empty container.

        Parameters
        ----------
        key
            Key of the container; by default a random UUID.
        **fields
            `metadata`, `specs` and `access_tags` of the node, and `if_exists`, as for
            `write_array`.

        Returns
        -------
        Container
            The new node.

        Raises
        ------
        NodeExists
            If the key exists; with `if_exists="open"`, if the existing node differs.

        Examples
        --------
        >>> client.create_container("scans", metadata={"year": 2026}).key
        'scans'
        """
        node: ContainerT = await create_node(self, StructureFamily.container, key=key, **fields)
        return node

    @operation
    async def write_array(
        self,
        array: Any,
        *,
        dims: Sequence[str] | None = None,
        chunks: int | Sequence[int | Sequence[int]] | None = None,
        codec: str | None = None,
        **fields: Unpack[NodeFields],
    ) -> ArrayT:
        """Create an array and write it, chunk by chunk if it has several.

        Parameters
        ----------
        array
            A numpy array, or any value that `numpy.asarray` accepts. A dask array is computed and
            written chunk by chunk.
        dims
            Names of the dimensions.
        chunks
            Chunk size for all dimensions, a size per dimension, or all sizes per dimension, as in
            dask; by default those of a dask array, else as large as one request may be.
        codec
            How the server stores chunks: the encoding of compressed data that will be written.
        **fields
            Fields of the node: its `key` (by default a random UUID), its `metadata` (a mapping),
            its `specs` (names or `Spec` objects), and its `access_tags` (names). `if_exists` says
            what to do with a node of the same key: "error" (the default) raises NodeExists; "open"
            uses that node if its family and structure fit, and writes the data to it, which its
            subscribers receive; "replace" deletes it with its metadata, data and stream, in one
            step with the creation. A container with children is not replaced.

        Returns
        -------
        ArrayClient
            The new node.

        Raises
        ------
        NodeExists
            If the key exists; with `if_exists="open"`, if the existing node differs.

        Examples
        --------
        >>> client.write_array(np.zeros((3, 4)), key="frame", dims=["y", "x"])
        <ArrayClient '/.../frame' shape=(3, 4) chunks=((3,), (4,)) dtype=float64 dims=('y', 'x')>
        """
        if isinstance(array, (str, bytes)):
            raise TypeError(
                f"a value of type {type(array).__name__} is not an array: read the file first, or "
                "store text as numpy.array(text)"
            )
        # Only dask itself can compute and write an array chunk by chunk, and it blocks.
        lazy = is_lazy(array) and isinstance(self, Blocking)
        if lazy:
            chunks = array.chunks if chunks is None else chunks
        else:
            convert = partial(to_array, array)
            array = await self._requests.transport.call(convert) if is_lazy(array) else convert()
        limit = self._requests.options.bytes_per_request
        structure = ArrayStructure(
            dtype_from_numpy(array.dtype),
            array.shape,
            normalize_chunks(chunks, array.shape, array.dtype.itemsize, limit),
            dimension_names(dims, array.ndim),
        )
        parameters = {} if codec is None else {"codec": codec}
        source = DataSource(StructureFamily.array, structure, parameters=parameters)
        node: Any = await self._create(source, fields)
        if array.size:
            several = any(len(sizes) > 1 for sizes in structure.chunks)
            async with delete_on_rejection(node):
                if lazy:
                    write_lazy_array(node, array)
                else:
                    await (node.write_all_blocks if several else node._write)(array)
        return cast("ArrayT", node)

    @operation
    async def write_table(self, rows: tables.Rows, **fields: Unpack[NodeFields]) -> TableT:
        """Create a table and write its rows.

        Parameters
        ----------
        rows
            A pandas DataFrame, a dict of columns, or an Arrow table.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, and `if_exists`, as for
            `write_array`.

        Returns
        -------
        TableClient
            The new node.

        Raises
        ------
        NodeExists
            If the key exists; with `if_exists="open"`, if the existing node differs.

        Examples
        --------
        >>> client.write_table({"time": [0, 1], "counts": [5, 7]}, key="log")
        <TableClient '/.../log' ['time', 'counts'] rows=2 npartitions=1>
        """
        table = tables.to_arrow(rows)
        structure = TableStructure.from_schema(table.schema)
        node: Any = await self._create(DataSource(StructureFamily.table, structure), fields)
        async with delete_on_rejection(node):
            await node._write(table)
        return cast("TableT", node)

    @operation
    async def create_appendable_table(
        self,
        schema: pyarrow.Schema | Mapping[str, Any],
        *,
        table_name: str | None = None,
        **fields: Unpack[NodeFields],
    ) -> TableT:
        """Create an empty table to append rows to.

        Parameters
        ----------
        schema
            An Arrow schema, or a mapping of column names to numpy or Arrow types.
        table_name
            Name of the SQL table, for servers that store rows in a database.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, and `if_exists`, as for
            `write_array`.

        Returns
        -------
        TableClient
            The new node.

        Raises
        ------
        NodeExists
            If the key exists; with `if_exists="open"`, if the existing node differs.

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
        return cast("TableT", await self._create(source, fields))

    @operation
    async def new(
        self,
        structure_family: StructureFamily,
        data_sources: Sequence[DataSource] = (),
        **fields: Unpack[NodeFields],
    ) -> Any:
        """Create a node without writing data.

        Parameters
        ----------
        structure_family
            The kind of node.
        data_sources
            Its data source; one with assets registers files that exist.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, and `if_exists`, as for
            `write_array`.

        Returns
        -------
        Node
            The new node, of the class of its structure family.

        Raises
        ------
        NodeExists
            If the key exists; with `if_exists="open"`, if the existing node differs.
        """
        reject_unknown_fields(fields, NodeFields)
        return await create_node(self, structure_family, data_sources=data_sources, **fields)

    async def _create(self, source: DataSource, fields: NodeFields) -> Any:
        reject_unknown_fields(fields, NodeFields)
        return await create_node(self, source.structure_family, data_sources=[source], **fields)

    @operation
    async def delete_contents(
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
        names = await self._child_keys() if keys is None else names_of(keys, "keys")
        paths = [split_path(name) for name in names]
        if () in paths:
            raise ValueError("keys must not be empty: to delete the container, use delete()")
        params = {
            "recursive": flag(recursive, "recursive"),
            "external_only": flag(external_only, "external_only"),
        }
        for path in paths:
            await self._requests.delete("metadata", (*self._path, *path), params=params)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(
            f"a container on a server cannot be changed by assignment: use write_array(..., "
            f"key={key!r}), write_table or create_container"
        )

    def __delitem__(self, key: Any) -> None:
        raise TypeError(
            f"a container on a server cannot be changed by del: use delete_contents({key!r})"
        )

    def _facts(self) -> str:
        return ""
