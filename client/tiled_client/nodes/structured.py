"""Base classes of client objects whose data have a structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from ..arguments import flag, whole_numbers
from ..documents import Resource
from ..errors import InvalidResponse
from ..http.operations import operation
from ..http.request import Body
from ..http.responses import Response
from ..http.session import NodeSession
from ..uris import Path
from ..wire.errors import WireError
from ..wire.slices import as_index, format_slice
from ..wire.sparse import SparseStructure
from ..wire.structures import ArrayStructure, Structure
from .data_node import DataOperations
from .display.texts import chunks_text, joined
from .exporting import ExportRequest, File

S = TypeVar("S", bound=Structure)
C = TypeVar("C", ArrayStructure, SparseStructure)


class StructuredOperations(DataOperations, Generic[S]):
    """A node of one structure family, with the structure of this family."""

    _structure_class: ClassVar[type[Any]]

    def __init__(self, session: NodeSession, path: Path, resource: Resource) -> None:
        super().__init__(session, path, resource)
        if not isinstance(resource.structure, self._structure_class):
            raise InvalidResponse(f"The server sent no {resource.family} structure of {self.uri}.")

    @property
    def structure(self) -> S:
        """The structure of the data, as last fetched; `refresh()` fetches it again."""
        structure: Any = self._resource.structure
        assert isinstance(structure, self._structure_class)
        return structure  # type: ignore[no-any-return]

    async def _send(
        self,
        method: str,
        endpoint: str,
        body: Body,
        media_type: str,
        params: Mapping[str, Any] | None = None,
        *,
        persist: bool = True,
        repeatable: bool = True,
        encoding: str | None = None,
    ) -> Response:
        """Write data to this node.

        Parameters
        ----------
        method, endpoint, body, media_type, params
            The request.
        persist
            If False, the data are streamed to subscribers and not stored.
        repeatable
            Whether the request has the same effect if the server executes it twice.
        encoding
            How the body is compressed.
        """
        persist = flag(persist, "persist")
        params = {**(params or {}), **({} if persist else {"persist": False})}
        return await self._requests.send(
            method,
            endpoint,
            self._path,
            body,
            media_type,
            params=params,
            repeatable=repeatable,
            node=self._resource.node_id,
            encoding=encoding,
        )


class ChunkedOperations(StructuredOperations[C]):
    """An array with a shape that is divided into chunks."""

    _sliced = True

    @operation
    async def export(
        self,
        file: File,
        *,
        format: str | None = None,
        slice: Any = ...,
        block: Sequence[int] | None = None,
    ) -> None:
        """Export the array, or a part of it; see `Node.export`.

        Parameters
        ----------
        file
            A path, or a file object to write bytes to.
        format
            File extension or media type; by default the extension of the path.
        slice
            The part to export, as in `numpy.s_[:, 0]`.
        block
            The chunk to export, by its number along each dimension.
        """
        items = as_index(slice, self.ndim)
        params: dict[str, Any] = {"slice": format_slice(items)} if items else {}
        endpoint = "array/full"
        if block is not None:
            endpoint, params["block"] = "array/block", self._block(block)[0]
        await self._export(ExportRequest(endpoint, params), file, format)

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
        """The names of the dimensions, if they have any."""
        return self.structure.dims

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def _facts(self) -> str:
        dims = f"dims={self.dims}" if self.dims else ""
        chunks = f"chunks={chunks_text(self.chunks)}"
        return joined(f"shape={self.shape}", chunks, f"dtype={self.dtype}", dims)

    def _block(self, block: int | Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the number of a chunk along each dimension, and its shape. Raises IndexError."""
        number = whole_numbers(block, "block")
        try:
            region = self.structure.block_region(number)
        except WireError as error:
            raise IndexError(str(error)) from error
        return number, tuple(part.stop - part.start for part in region)
