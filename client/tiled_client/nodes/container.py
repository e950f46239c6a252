"""Containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import tables as frames
from ..casting import unmasked_array
from ..documents import SpecLike
from ..regions import normalize_chunks
from ..uris import split_path
from ..wire.data_sources import DataSource
from ..wire.dtypes import dtype_from_numpy
from ..wire.structure_family import StructureFamily
from ..wire.structures import ArrayStructure, TableStructure
from .array import ArrayClient
from .base import Node
from .creation import create_node, delete_on_rejection
from .exporting import ExportRequest, File, names_of
from .listing import ListedContainer
from .table import TableClient
from .writing import ArrayCreationMixin

if TYPE_CHECKING:
    import pyarrow

SQL_TABLE = "application/x-tiled-sql-table"


class Container(ArrayCreationMixin, ListedContainer, family=StructureFamily.container):
    """A container on a server: a mapping of keys to nodes, read page by page.

    `c["a", "b"]` and `c["a/b"]` reach below it in one request.
    """

    def export(
        self, file: File, fields: Iterable[str] | None = None, *, format: str | None = None
    ) -> None:
        """Save the container with all that is in it, or with some of its children.

        See `Node.export`.
        """
        self._export(ExportRequest("container/full", {}, "field", names_of(fields)), file, format)

    def create_container(
        self,
        key: str | None = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Sequence[str] | None = None,
    ) -> Container:
        """Create an empty container. Raises Conflict if the key exists."""
        made = self.new(
            StructureFamily.container,
            key=key,
            metadata=metadata,
            specs=specs,
            access_tags=access_tags,
        )
        assert isinstance(made, Container)
        return made

    def write_array(
        self,
        array: Any,
        *,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        dims: Sequence[str] | None = None,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Sequence[str] | None = None,
        chunks: int | Sequence[int | Sequence[int]] | None = None,
    ) -> ArrayClient:
        """Create an array and write it, chunk by chunk if there is more than one.

        `chunks` is as numpy users know it from dask: a size, a size per dimension, or all sizes.
        """
        array = unmasked_array(array)
        limit = self._http.options.bytes_per_request
        structure = ArrayStructure(
            dtype_from_numpy(array.dtype),
            array.shape,
            normalize_chunks(chunks, array.shape, array.dtype.itemsize, limit),
            tuple(dims) if dims else None,
        )
        source = DataSource(StructureFamily.array, structure)
        made = self.new(
            StructureFamily.array,
            [source],
            key=key,
            metadata=metadata,
            specs=specs,
            access_tags=access_tags,
        )
        assert isinstance(made, ArrayClient)
        if array.size:
            several = any(len(sizes) > 1 for sizes in structure.chunks)
            with delete_on_rejection(made):
                (made.write_all_blocks if several else made.write)(array)
        return made

    def write_table(
        self,
        rows: frames.Rows,
        *,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Sequence[str] | None = None,
    ) -> TableClient:
        """Create a table and write it: a DataFrame, a dict of columns, or an Arrow table."""
        table = frames.to_arrow(rows)
        source = DataSource(StructureFamily.table, TableStructure.from_schema(table.schema))
        made = self.new(
            StructureFamily.table,
            [source],
            key=key,
            metadata=metadata,
            specs=specs,
            access_tags=access_tags,
        )
        assert isinstance(made, TableClient)
        with delete_on_rejection(made):
            made.write(table)
        return made

    def create_appendable_table(
        self,
        schema: pyarrow.Schema | Mapping[str, Any],
        *,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Sequence[str] | None = None,
        table_name: str | None = None,
    ) -> TableClient:
        """Create an empty table that rows are to be appended to.

        `schema` is an Arrow schema, or a mapping of names to numpy or Arrow types.
        """
        source = DataSource(
            StructureFamily.table,
            TableStructure.from_schema(frames.to_schema(schema)),
            mimetype=SQL_TABLE,
            parameters={"table_name": table_name} if table_name else {},
        )
        made = self.new(
            StructureFamily.table,
            [source],
            key=key,
            metadata=metadata,
            specs=specs,
            access_tags=access_tags,
        )
        assert isinstance(made, TableClient)
        return made

    def new(
        self,
        structure_family: StructureFamily,
        data_sources: Sequence[DataSource] = (),
        *,
        key: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        specs: Iterable[SpecLike] | None = None,
        access_tags: Sequence[str] | None = None,
    ) -> Node:
        """Create a node without data; a data source with assets registers files that exist."""
        return create_node(
            self._session,
            self._path,
            structure_family,
            key=key,
            metadata=metadata,
            specs=specs,
            data_sources=data_sources,
            access_tags=access_tags,
        )

    def delete_contents(
        self,
        keys: str | Iterable[str] | None = None,
        *,
        recursive: bool = False,
        external_only: bool = True,
    ) -> None:
        """Delete some children, or all; see `delete` for the options."""
        names = [keys] if isinstance(keys, str) else list(self if keys is None else keys)
        params = {"recursive": recursive, "external_only": external_only}
        for name in names:
            self._http.delete("metadata", (*self._path, *split_path(name)), params=params)

    def __repr__(self) -> str:
        return f"<Container {'/' + '/'.join(self._path)}>"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)
