"""Containers."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence, ValuesView
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import frames
from ..documents import Resource, SpecLike
from ..errors import NodeNotFound, UnreadableAnswer
from ..http import Params
from ..regions import normalize_chunks
from ..uris import Path, query_of, split_path
from ..wire.data_sources import DataSource
from ..wire.dtypes import dtype_from_numpy
from ..wire.families import StructureFamily
from ..wire.structures import ArrayStructure, TableStructure
from .array import ArrayClient
from .base import Node, fetch_resource
from .children import WatchedContainer
from .creation import create_node
from .exporting import File, Wanted, names_of
from .table import TableClient
from .writing import WritesArrays

if TYPE_CHECKING:
    import pyarrow

SQL_TABLE = "application/x-tiled-sql-table"


class Container(
    WritesArrays, WatchedContainer, Mapping[str, Any], family=StructureFamily.container
):
    """A container on a server: a mapping of keys to nodes, read page by page.

    `c["a", "b"]` and `c["a/b"]` reach below it in one request.
    """

    def __getitem__(self, key: str | tuple[str, ...]) -> Any:
        """The node of that key. Raises NodeNotFound, which is a KeyError."""
        parts = (key,) if isinstance(key, str) else key
        path = tuple(name for part in parts for name in split_path(part))
        if not path:
            raise NodeNotFound(f"{key!r} is not a key")
        full = (*self._path, *path)
        return Node.build(self._http, full, fetch_resource(self._http, full))

    def __len__(self) -> int:
        page = self._page({"fields": "count", "page[limit]": 0})
        return int(page["meta"]["count"])

    def __iter__(self) -> Iterator[str]:
        return (item["id"] for item in self._items({"fields": ""}))

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, (str, tuple)):
            return False
        try:
            self[key]
        except NodeNotFound:
            return False
        return True

    def values(self) -> ValuesView[Node]:
        """The nodes; going through them takes one request per page, not per node."""
        return _Nodes(self)

    def items(self) -> ItemsView[str, Node]:
        """Keys and nodes; going through them takes one request per page, not per node."""
        return _KeysAndNodes(self)

    # Nodes are the same if they have the same address: comparing contents would fetch them all.
    __eq__ = Node.__eq__
    __hash__ = Node.__hash__

    def export(
        self, file: File, fields: Iterable[str] | None = None, *, format: str | None = None
    ) -> None:
        """Save the container with all that is in it, or with some of its children.

        See `Node.export`.
        """
        self._export(Wanted("container/full", {}, "field", names_of(fields)), file, format)

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
        array = np.asarray(array)
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
            self._http,
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

    def child_nodes(self) -> Iterator[tuple[str, Node]]:
        """Keys and nodes, page by page."""
        for item in self._items({}):
            path: Path = (*self._path, item["id"])
            yield item["id"], Node.build(self._http, path, Resource.from_json(item))

    def _items(self, params: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        paging: dict[str, str] = {}
        while True:
            # Of what was asked, servers repeat in their links only what concerns paging.
            page = self._page({**params, **paging})
            yield from page["data"]
            following = (page.get("links") or {}).get("next")
            if not following or not page["data"]:
                return
            if dict(query_of(following)) == paging:
                raise UnreadableAnswer(f"{self.uri} lists the same children again and again.")
            paging = dict(query_of(following))

    def _page(self, params: Params) -> Mapping[str, Any]:
        page = self._http.get("search", self._path, params=params).value()
        if not isinstance(page, Mapping) or "data" not in page:
            raise UnreadableAnswer(f"{self.uri} did not list its children.")
        return page


class _Nodes(ValuesView[Node]):
    _mapping: Container

    def __iter__(self) -> Iterator[Node]:
        return (node for _, node in self._mapping.child_nodes())

    def __contains__(self, node: object) -> bool:
        return any(node == other for other in self)


class _KeysAndNodes(ItemsView[str, Node]):
    _mapping: Container

    def __iter__(self) -> Iterator[tuple[str, Node]]:
        return self._mapping.child_nodes()
