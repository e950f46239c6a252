"""What nodes have in common whose data have a structure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from ..documents import Resource
from ..errors import InvalidResponse
from ..http.session import Session
from ..uris import Path
from ..wire.slices import expand_index, format_slice
from ..wire.sparse import SparseStructure
from ..wire.structures import ArrayStructure, Structure
from .data_node import DataNode
from .exporting import ExportRequest, File

S = TypeVar("S", bound=Structure)
C = TypeVar("C", ArrayStructure, SparseStructure)


class StructuredNode(DataNode, Generic[S]):
    """A node of one family, with the structure that this family has."""

    _structure_class: ClassVar[type[Any]]

    def __init__(self, session: Session, path: Path, resource: Resource) -> None:
        super().__init__(session, path, resource)
        if not isinstance(resource.structure, self._structure_class):
            raise InvalidResponse(
                f"The server did not say what the {resource.family} {self.uri} looks like."
            )

    @property
    def structure(self) -> S:
        """What the data look like, as last heard of; `refresh()` asks again."""
        structure: Any = self._resource.structure
        assert isinstance(structure, self._structure_class)
        return structure  # type: ignore[no-any-return]


class ChunkedNode(StructuredNode[C]):
    """An array of a shape that is cut into chunks."""

    _sliced = True

    def export(
        self,
        file: File,
        *,
        format: str | None = None,
        slice: Any = ...,
        block: Sequence[int] | None = None,
    ) -> None:
        """Save the array, what `slice` selects of it, or of one block; see `Node.export`."""
        items = expand_index(slice, self.ndim)
        params: dict[str, Any] = {"slice": format_slice(items)} if items else {}
        endpoint = "array/full"
        if block is not None:
            endpoint, params["block"] = "array/block", tuple(block)
        self._export(ExportRequest(endpoint, params), file, format)

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each dimension."""
        return self.structure.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype of the elements, byte order included."""
        return self.structure.dtype

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """The sizes of the chunks along each dimension."""
        return self.structure.chunks

    @property
    def dims(self) -> tuple[str, ...] | None:
        """Names of the dimensions, if they have any."""
        return self.structure.dims

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)
