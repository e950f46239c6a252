"""Ragged arrays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import nested
from ..wire.buffers import ragged_body
from ..wire.ragged import RaggedStructure
from ..wire.slices import expand_index, format_slice
from ..wire.structure_family import StructureFamily
from .structured import StructuredNode


class RaggedClient(StructuredNode[RaggedStructure], family=StructureFamily.ragged):
    """Rows of different lengths on a server; reading gives a `ragged.array`.

    >>> r = client.write_ragged([[1, 2], [3]], key="r")
    >>> r.append([[4, 5, 6]])
    >>> r[1:].tolist()
    [[3], [4, 5, 6]]
    """

    _structure_class = RaggedStructure
    _full_endpoint = "ragged/full"

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The number of rows, then the size along each dimension; None where it varies."""
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
        """The number of rows of each chunk; only rows are cut."""
        return self.structure.chunks

    @property
    def dims(self) -> tuple[str, ...] | None:
        """Names of the dimensions, if they have any."""
        return self.structure.dims

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    def read(self, slice: Any = ...) -> Any:
        """Fetch all rows, or a slice, as a `ragged.array`; all integers give a scalar."""
        found = self.read_awkward(slice)
        return nested.to_ragged(found) if hasattr(found, "layout") else found

    def __getitem__(self, index: Any) -> Any:
        """Fetch a slice."""
        return self.read(index)

    def read_awkward(self, slice: Any = ...) -> Any:
        """As `read`, as an `awkward.Array`."""
        items = expand_index(slice, self.ndim)
        whole = all(item == _EVERYTHING for item in items)
        params = {} if whole else {"slice": format_slice(items)}
        scalar = all(isinstance(item, int) for item in items)
        accept = nested.JSON if scalar else nested.ZIP
        answer = self._http.get("ragged/full", self._path, params=params, accept=accept)
        if scalar:
            return self.dtype.type(json.loads(answer.content))
        return nested.decode_ragged(answer.content)

    def write(self, array: Any, *, persist: bool = True) -> None:
        """Replace all rows by as many. With `persist=False` only subscribers get to see it."""
        self._send("PUT", "ragged/full", array, {}, persist)

    def write_block(self, array: Any, block: int | Sequence[int], *, persist: bool = True) -> None:
        """Replace the rows of one chunk, given by its number, by as many."""
        number = (block,) if isinstance(block, int) else tuple(block)
        self._send("PUT", "ragged/block", array, {"block": number}, persist)

    def patch(
        self, array: Any, offset: int | Sequence[int], extend: bool = False, persist: bool = True
    ) -> None:
        """Replace rows from number `offset` on, and let the array grow if `extend`.

        Raises Conflict where they go beyond the last row and `extend` was not given.
        """
        place = (offset,) if isinstance(offset, int) else tuple(offset)
        params = {"offset": place, "extend": extend}
        answer = self._send("PATCH", "ragged/full", array, params, persist, repeatable=not extend)
        if isinstance(answer, dict):
            self._resource.structure = RaggedStructure.from_json(answer)

    def append(self, array: Any) -> None:
        """Add rows at the end, as far as this client knows of it."""
        self.patch(array, self.structure.rows, extend=True)

    def __repr__(self) -> str:
        dims = f" dims={self.dims}" if self.dims else ""
        return f"<RaggedClient shape={self.shape} size={self.size} dtype={self.dtype}{dims}>"

    def _send(
        self,
        method: str,
        endpoint: str,
        array: Any,
        params: dict[str, Any],
        persist: bool,
        repeatable: bool = True,
    ) -> Any:
        rows = nested.to_rows(array, self.dtype)
        if method == "PATCH":
            params = {**params, "shape": len(rows)}
        if not persist:
            params = {**params, "persist": False}
        answer = self._http.send(
            method,
            endpoint,
            self._path,
            ragged_body(rows),
            nested.ZIP,
            params=params,
            repeatable=repeatable,
        )
        return answer.value()


_EVERYTHING = slice(None)
