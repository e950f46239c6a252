"""Updates of sparse arrays, which are sent as those of arrays, with another payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...errors import InvalidResponse
from ...tables import ARROW
from .base import ArrayPayloadUpdate

if TYPE_CHECKING:
    from ...wire.sparse import Coo


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseUpdate(ArrayPayloadUpdate):
    """Elements were written to a sparse array: all, or those of one `block`.

    `shape` and `offset` are those of the part that was written; the coordinates of `data()` count
    from there. If the subscription has a `slice`, both refer to the sliced array. Elements that are
    not `persisted` are stored nowhere.

    Examples
    --------
    >>> s = client.write_sparse(np.array([[2]]), np.array([7]), (4,))
    >>> s.close_stream()
    >>> [update.data().todense().tolist() for update in s.updates(start=0)]
    [[0, 0, 7, 0]]
    """

    def data(self) -> Any:
        """Return the elements as a `sparse.COO`.

        Returns
        -------
        sparse.COO
            The elements that were written.

        Raises
        ------
        InvalidResponse
            If the message cannot be decoded.
        """
        from ...sparse import to_coo

        return to_coo(self.elements())

    def elements(self) -> Coo:
        """Return the elements as coordinates and values, in numpy arrays.

        Returns
        -------
        Coo
            `coords`, `data` and `shape`.

        Raises
        ------
        InvalidResponse
            If the message cannot be decoded.
        """
        from ...sparse import decode_elements

        if self.mimetype != ARROW:
            raise InvalidResponse(
                f"Update {self.sequence} has elements as {self.mimetype}, which cannot be decoded."
            )
        return decode_elements(self.payload, self.shape)
