"""Updates of sparse arrays, which come as those of arrays do, with another payload."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import InvalidResponse
from ...tables import ARROW
from .base import Update

if TYPE_CHECKING:
    from ...wire.sparse import Coo


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseUpdate(Update):
    """Elements were written to a sparse array: all, or those of one `block`.

    `shape` and `offset` say of which part; `data()` counts its coordinates from there. If the
    subscription asked for a `slice`, both are meant in the sliced array. What was not `persisted`
    is stored nowhere.

        >>> s = client.write_sparse(np.array([[2]]), np.array([7]), (4,))
        >>> s.close_stream()
        >>> [update.data().todense().tolist() for update in s.updates(start=0)]
        [[0, 0, 7, 0]]
    """

    topic: ClassVar[str] = "new_data"

    shape: tuple[int, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    mimetype: str
    dtype: np.dtype[Any]
    payload: bytes = field(repr=False)
    persisted: bool = True
    slice: str | None = None

    def data(self) -> Any:
        """The elements, as a `sparse.COO`."""
        from ...sparse import to_coo

        return to_coo(self.elements())

    def elements(self) -> Coo:
        """As `data`, as coordinates and values in numpy arrays."""
        from ...sparse import decode_elements

        if self.mimetype != ARROW:
            raise InvalidResponse(f"Elements sent as {self.mimetype} cannot be decoded.")
        return decode_elements(self.payload, self.shape)
