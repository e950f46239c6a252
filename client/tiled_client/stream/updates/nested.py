"""Updates of ragged and awkward arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ... import nested
from ...errors import InvalidResponse
from ...wire.ragged import RaggedStructure
from ..protocol.messages import Map, Schema, optional_sizes
from .base import Common, PayloadUpdate, Update, builds, dtype_of, payload_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class RaggedUpdate(PayloadUpdate):
    """Rows were written to a ragged array: all, those of one `block`, or from row `offset` on.

    For all rows and for a block, `shape` is that of the whole array, with None for a dimension
    whose size varies.
    The `offset` of a block is None if it cannot be computed from the chunks that the node is known
    to have. Rows that are not `persisted` are only streamed.

    Examples
    --------
    >>> r = client.write_ragged([[1, 2], []])
    >>> r.append([[3]])
    >>> r.close_stream()
    >>> [(update.offset, update.data().tolist()) for update in r.updates(start=0)]
    [((0,), [[1, 2], []]), ((2,), [[3]])]
    """

    shape: tuple[int | None, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    dtype: np.dtype[Any]

    def data(self) -> Any:
        """Return the rows as a `ragged.array`.

        Returns
        -------
        ragged.array
            The rows that were written.
        """
        return nested.to_ragged(self.awkward())

    def awkward(self) -> Any:
        """Return the rows as an `awkward.Array`.

        Returns
        -------
        awkward.Array
            The rows that were written.
        """
        array = nested.decode_ragged(self.payload, self.mimetype)
        return nested.to_rows(array, self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwkwardUpdate(PayloadUpdate):
    """All items of an awkward array were written.

    Items that are not `persisted` are stored nowhere.

    Examples
    --------
    >>> a = client.write_awkward([{"x": 1}])
    >>> a.close_stream()
    >>> [update.data().to_list() for update in a.updates(start=0)]
    [[{'x': 1}]]
    """

    length: int
    form: dict[str, Any] = field(repr=False)

    def data(self) -> Any:
        """Return the items as an `awkward.Array`.

        Returns
        -------
        awkward.Array
            All items.
        """
        return nested.decode_awkward(self.form, self.length, self.payload)


@builds("ragged-data")
def _ragged(message: Map, schema: Schema, common: Common) -> Update:
    block = optional_sizes(message, "block")
    return RaggedUpdate(
        **payload_fields(message, common),
        shape=tuple(message["shape"]),
        offset=_offset(message, block, common),
        block=block,
        dtype=dtype_of(schema, message),
    )


def _offset(message: Map, block: tuple[int, ...] | None, common: Common) -> tuple[int, ...] | None:
    offset = optional_sizes(message, "offset")
    if offset is not None or block is None:
        return offset or (0,)
    structure = getattr(common["origin"].cached_node, "structure", None)
    # Chunks are added at the end only, so that those that are known stay in place.
    if not isinstance(structure, RaggedStructure) or block[0] >= len(structure.row_chunks):
        return None
    return (structure.block_rows(block).start,)


@builds("awkward-data")
def _awkward(message: Map, schema: Schema, common: Common) -> Update:
    if schema.form is None:
        raise InvalidResponse(f"An update has buffers, but the schema {schema.type!r} no form.")
    return AwkwardUpdate(
        **payload_fields(message, common),
        length=message["length"],
        form=schema.form,
    )
