"""Methods of containers that create sparse, ragged and awkward arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .. import nested
from ..arguments import dimension_names
from ..http.operations import operation
from ..sparse import to_elements
from ..wire.awkward import AwkwardStructure
from ..wire.buffers import awkward_buffers
from ..wire.data_sources import DataSource
from ..wire.sparse import SparseStructure
from ..wire.structure_family import StructureFamily
from .base import NodeOperations
from .creation import NodeFields, delete_on_rejection

if TYPE_CHECKING:
    from typing import Unpack

SparseT = TypeVar("SparseT")
RaggedT = TypeVar("RaggedT")
AwkwardT = TypeVar("AwkwardT")


class ArrayCreationMixin(NodeOperations, Generic[SparseT, RaggedT, AwkwardT]):
    """A container in which arrays of other kinds than numpy's can be created."""

    @operation
    async def write_sparse(
        self,
        coords: Any,
        data: Any = None,
        shape: Sequence[int] | None = None,
        *,
        dims: Sequence[str] | None = None,
        **fields: Unpack[NodeFields],
    ) -> SparseT:
        """Create a sparse array and write it.

        Parameters
        ----------
        coords
            Coordinates of the elements, one row per dimension; or a `sparse.COO`, given alone.
        data
            The value of each element.
        shape
            Shape of the array.
        dims
            Names of the dimensions.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, and `if_exists`, as for
            `write_array`.

        Returns
        -------
        SparseClient
            The new node.

        Raises
        ------
        NodeExists
            If the key exists; with `if_exists="open"`, if the existing node differs.

        Examples
        --------
        >>> client.write_sparse(np.array([[0, 2], [1, 3]]), np.array([1.5, 2.5]), (3, 4))
        <SparseClient '/...' shape=(3, 4) chunks=((3,), (4,)) dtype=float64>
        """
        elements = to_elements(coords, data, shape)
        structure = SparseStructure.from_coo(
            elements.coords,
            elements.data,
            elements.shape,
            dims=dimension_names(dims, len(elements.shape)),
        )
        node: Any = await self._create(DataSource(StructureFamily.sparse, structure), fields)
        async with delete_on_rejection(node):
            await node._write(elements.coords, elements.data)
        created: SparseT = node
        return created

    @operation
    async def write_ragged(
        self,
        array: Any,
        *,
        dims: Sequence[str] | None = None,
        **fields: Unpack[NodeFields],
    ) -> RaggedT:
        """Create a ragged array and write it, in chunks of rows if it is large.

        Parameters
        ----------
        array
            Nested lists, a `ragged.array`, or an `awkward.Array`.
        dims
            Names of the dimensions.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, and `if_exists`, as for
            `write_array`.

        Returns
        -------
        RaggedClient
            The new node.

        Raises
        ------
        NodeExists
            If the key exists; with `if_exists="open"`, if the existing node differs.

        Examples
        --------
        >>> client.write_ragged([[1.5, 2.5], [], [3.5]], metadata={"sample": "A"})
        <RaggedClient '/...' shape=(3, None) size=3 dtype=float64>
        """
        rows = nested.to_rows(array)
        count, limit = len(rows), self._requests.options.bytes_per_request
        step = max(1, count * limit // max(rows.nbytes, 1))
        starts = range(0, count, step)
        chunks = tuple(min(step, count - start) for start in starts) or (0,)
        structure = nested.ragged_structure(rows, chunks, dims)
        node: Any = await self._create(DataSource(StructureFamily.ragged, structure), fields)
        async with delete_on_rejection(node):
            for number, start in enumerate(starts):
                await node._write_block(rows[start : start + step], number)
        created: RaggedT = node
        return created

    @operation
    async def write_awkward(self, array: Any, **fields: Unpack[NodeFields]) -> AwkwardT:
        """Create an awkward array and write it.

        Parameters
        ----------
        array
            An `awkward.Array`, or any argument of its constructor.
        **fields
            `key`, `metadata`, `specs` and `access_tags` of the node, and `if_exists`, as for
            `write_array`.

        Returns
        -------
        AwkwardClient
            The new node.

        Raises
        ------
        NodeExists
            If the key exists; with `if_exists="open"`, if the existing node differs.

        Examples
        --------
        >>> client.write_awkward([{"time": 1, "hits": [1.5]}, {"time": 2, "hits": []}])
        <AwkwardClient '/...' length=2 fields=['time', 'hits']>
        """
        array = nested.to_awkward(array)
        form, length, _ = awkward_buffers(array)
        structure = AwkwardStructure(length, form)
        node: Any = await self._create(DataSource(StructureFamily.awkward, structure), fields)
        async with delete_on_rejection(node):
            await node._write(array)
        created: AwkwardT = node
        return created

    async def _create(self, source: DataSource, fields: NodeFields) -> Any:
        """Create a node with one data source, and return its client object."""
        raise NotImplementedError
