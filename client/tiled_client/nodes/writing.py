"""Creating sparse, ragged and awkward arrays in a container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from .. import nested
from ..documents import SpecLike
from ..http.client import HttpClient
from ..sparse import to_elements
from ..wire.awkward import AwkwardStructure
from ..wire.buffers import awkward_buffers
from ..wire.data_sources import DataSource
from ..wire.sparse import SparseStructure
from ..wire.structure_family import StructureFamily
from .awkward import AwkwardClient
from .creation import delete_on_rejection
from .ragged import RaggedClient
from .sparse import SparseClient

if TYPE_CHECKING:
    from typing import Unpack

    from ..wire.structures import Structure
    from .base import Node


class NodeFields(TypedDict, total=False):
    """What a new node is told to be, besides its data; all as for `write_array`."""

    key: str | None
    metadata: Mapping[str, Any] | None
    specs: Iterable[SpecLike] | None
    access_tags: Sequence[str] | None


class ArrayCreationMixin:
    """A container in which arrays of other kinds than numpy's can be written."""

    _http: HttpClient

    def write_sparse(
        self,
        coords: Any,
        data: Any = None,
        shape: Sequence[int] | None = None,
        *,
        dims: Sequence[str] | None = None,
        **described: Unpack[NodeFields],
    ) -> SparseClient:
        """Create a sparse array and write `data` at `coords`; or a `sparse.COO`, given alone.

        >>> client.write_sparse(np.array([[0, 2], [1, 3]]), np.array([1.5, 2.5]), (3, 4))
        <SparseClient shape=(3, 4) chunks=((3,), (4,)) dtype=float64>
        """
        elements = to_elements(coords, data, shape)
        structure = SparseStructure.from_coo(
            elements.coords, elements.data, elements.shape, dims=dims
        )
        made = self._make(StructureFamily.sparse, structure, described)
        assert isinstance(made, SparseClient)
        with delete_on_rejection(made):
            made.write(elements.coords, elements.data)
        return made

    def write_ragged(
        self,
        array: Any,
        *,
        dims: Sequence[str] | None = None,
        **described: Unpack[NodeFields],
    ) -> RaggedClient:
        """Create a ragged array and write it: nested lists, a `ragged.array`, an `awkward.Array`.

        What is too large for one request is written in chunks of rows.

        >>> client.write_ragged([[1.5, 2.5], [], [3.5]], metadata={"sample": "A"})
        <RaggedClient shape=(3, None) size=3 dtype=float64>
        """
        rows = nested.to_rows(array)
        count, limit = len(rows), self._http.options.bytes_per_request
        step = max(1, count * limit // max(rows.nbytes, 1))
        starts = range(0, count, step)
        chunks = tuple(min(step, count - start) for start in starts) or (0,)
        structure = nested.ragged_structure(rows, chunks, dims)
        made = self._make(StructureFamily.ragged, structure, described)
        assert isinstance(made, RaggedClient)
        with delete_on_rejection(made):
            for number, start in enumerate(starts):
                made.write_block(rows[start : start + step], number)
        return made

    def write_awkward(self, array: Any, **described: Unpack[NodeFields]) -> AwkwardClient:
        """Create an awkward array and write it: an `awkward.Array`, or what makes one.

        >>> client.write_awkward([{"time": 1, "hits": [1.5]}, {"time": 2, "hits": []}])
        <AwkwardClient length=2 fields=['time', 'hits']>
        """
        array = nested.to_awkward(array)
        form, length, _ = awkward_buffers(array)
        structure = AwkwardStructure(length, form)
        made = self._make(StructureFamily.awkward, structure, described)
        assert isinstance(made, AwkwardClient)
        with delete_on_rejection(made):
            made.write(array)
        return made

    def _make(self, family: StructureFamily, structure: Structure, described: NodeFields) -> Node:
        made: Node = self.new(family, [DataSource(family, structure)], **described)  # type: ignore[attr-defined]
        return made
