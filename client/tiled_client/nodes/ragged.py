"""Client object of ragged arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import nested
from ..wire.buffers import ragged_body
from ..wire.ragged import RaggedStructure
from ..wire.slices import expand_index, format_slice
from ..wire.structure_family import StructureFamily
from .structured import StructuredNode

_ALL = slice(None)


class RaggedClient(StructuredNode[RaggedStructure], family=StructureFamily.ragged):
    """Rows of different lengths on a server; reading gives a `ragged.array`.

    Examples
    --------
    >>> r = client.write_ragged([[1, 2], [3]], key="r")
    >>> r.append([[4, 5, 6]])
    >>> r[1:].tolist()
    [[3], [4, 5, 6]]
    """

    _structure_class = RaggedStructure
    _full_endpoint = "ragged/full"

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The number of rows, then the size along each dimension; None if it varies."""
        return self.structure.shape

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.structure.size

    @property
    def dtype(self) -> np.dtype[Any]:
        """The numpy dtype of the elements."""
        return self.structure.dtype

    @property
    def chunks(self) -> tuple[tuple[int, ...] | None, ...]:
        """The number of rows of each chunk; other dimensions are not divided."""
        return self.structure.chunks

    @property
    def dims(self) -> tuple[str, ...] | None:
        """The names of the dimensions, if they have any."""
        return self.structure.dims

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def read(self, slice: Any = ...) -> Any:
        """Fetch all rows, or a slice.

        Parameters
        ----------
        slice
            The part to fetch, as in `numpy.s_[1:, 0]`.

        Returns
        -------
        ragged.array or scalar
            A scalar if the slice has an integer for each dimension.
        """
        result = self.read_awkward(slice)
        return nested.to_ragged(result) if hasattr(result, "layout") else result

    def __getitem__(self, index: Any) -> Any:
        """Fetch a slice."""
        return self.read(index)

    def read_awkward(self, slice: Any = ...) -> Any:
        """Fetch all rows, or a slice, as an `awkward.Array`; see `read`."""
        items = expand_index(slice, self.ndim)
        params = {} if all(item == _ALL for item in items) else {"slice": format_slice(items)}
        is_scalar = all(isinstance(item, int) for item in items)
        accept = nested.JSON if is_scalar else nested.ZIP
        response = self._http.get("ragged/full", self._path, params=params, accept=accept)
        if is_scalar:
            return self.dtype.type(json.loads(response.content))
        return nested.decode_ragged(response.content)

    def write(self, array: Any, *, persist: bool = True) -> None:
        """Replace all rows.

        Parameters
        ----------
        array
            As many rows as are stored.
        persist
            If False, the data are streamed to subscribers and not stored.
        """
        rows = nested.to_rows(array, self.dtype)
        self._send_rows("PUT", "ragged/full", rows, {}, persist=persist)

    def write_block(self, array: Any, block: int | Sequence[int], *, persist: bool = True) -> None:
        """Replace the rows of one chunk.

        Parameters
        ----------
        array
            As many rows as the chunk has.
        block
            The number of the chunk.
        persist
            If False, the data are streamed to subscribers and not stored.
        """
        number = (block,) if isinstance(block, int) else tuple(block)
        rows = nested.to_rows(array, self.dtype)
        self._send_rows("PUT", "ragged/block", rows, {"block": number}, persist=persist)

    def patch(
        self, array: Any, offset: int | Sequence[int], extend: bool = False, persist: bool = True
    ) -> None:
        """Replace rows from `offset` on.

        Parameters
        ----------
        array
            The new rows.
        offset
            The number of the first row to replace.
        extend
            Let the array grow if the rows reach beyond its end.
        persist
            If False, the data are streamed to subscribers and not stored.

        Raises
        ------
        Conflict
            If the rows reach beyond the end, and `extend` is False.
        """
        start = (offset,) if isinstance(offset, int) else tuple(offset)
        rows = nested.to_rows(array, self.dtype)
        params = {"offset": start, "extend": extend, "shape": len(rows)}
        structure = self._send_rows(
            "PATCH", "ragged/full", rows, params, persist=persist, repeatable=not extend
        )
        if isinstance(structure, dict):
            self._resource.structure = RaggedStructure.from_json(structure)

    def append(self, array: Any) -> None:
        """Add rows after the last one that this client object knows of."""
        self.patch(array, self.structure.rows, extend=True)

    def __repr__(self) -> str:
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<RaggedClient shape={self.shape} size={self.size} dtype={self.dtype}{dims}>"

    def _send_rows(
        self, method: str, endpoint: str, rows: Any, params: Mapping[str, Any], **options: bool
    ) -> Any:
        body = ragged_body(rows)
        return self._send(method, endpoint, body, nested.ZIP, params, **options).value()
