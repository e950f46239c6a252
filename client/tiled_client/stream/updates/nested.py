"""Updates of ragged and awkward arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ... import nested
from ...errors import InvalidResponse
from ...wire.ragged import RaggedStructure
from ..protocol.messages import Map, Schema, optional_sizes
from .base import Common, Update, builds, dtype_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RaggedUpdate(Update):
    """Rows were written to a ragged array: all, those of one `block`, or from row `offset` on.

    Of all rows and of a block, `shape` is that of the whole array; None stands for what varies. The
    `offset` of a block is None if the node's chunks that are known do not tell it. What was not
    `persisted` is stored nowhere.

        >>> r = client.write_ragged([[1, 2], []])
        >>> r.append([[3]])
        >>> r.close_stream()
        >>> [(update.offset, update.data().tolist()) for update in r.updates(start=0)]
        [((0,), [[1, 2], []]), ((2,), [[3]])]
    """

    topic: ClassVar[str] = "new_data"

    shape: tuple[int | None, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    mimetype: str
    dtype: np.dtype[Any]
    payload: bytes = field(repr=False)
    persisted: bool = True

    def data(self) -> Any:
        """The rows, as a `ragged.array`."""
        return nested.to_ragged(self.awkward())

    def awkward(self) -> Any:
        """The rows, as an `awkward.Array`."""
        array = nested.decode_ragged(self.payload, self.mimetype)
        return nested.to_rows(array, self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class AwkwardUpdate(Update):
    """All items of an awkward array were written. What was not `persisted` is stored nowhere.

    >>> a = client.write_awkward([{"x": 1}])
    >>> a.close_stream()
    >>> [update.data().to_list() for update in a.updates(start=0)]
    [[{'x': 1}]]
    """

    topic: ClassVar[str] = "new_data"

    length: int
    mimetype: str
    form: dict[str, Any] = field(repr=False)
    payload: bytes = field(repr=False)
    persisted: bool = True

    def data(self) -> Any:
        """The items, as an `awkward.Array`."""
        return nested.decode_awkward(self.form, self.length, self.payload)


@builds("ragged-data")
def _ragged(message: Map, schema: Schema, common: Common) -> Update:
    block = optional_sizes(message, "block")
    return RaggedUpdate(
        **common,
        shape=tuple(message["shape"]),
        offset=_offset(message, block, common),
        block=block,
        mimetype=message["mimetype"],
        dtype=dtype_of(schema),
        payload=message.get("payload") or b"",
        persisted=bool(message.get("persisted", True)),
    )


def _offset(message: Map, block: tuple[int, ...] | None, common: Common) -> tuple[int, ...] | None:
    offset = optional_sizes(message, "offset")
    if offset is not None or block is None:
        return offset or (0,)
    structure = getattr(common["origin"].cached_node, "structure", None)
    # Chunks are added at the end only, so that those that are known stay where they are.
    if not isinstance(structure, RaggedStructure) or block[0] >= len(structure.row_chunks):
        return None
    return (structure.block_rows(block).start,)


@builds("awkward-data")
def _awkward(message: Map, schema: Schema, common: Common) -> Update:
    if schema.form is None:
        raise InvalidResponse(f"Buffers came on a stream that began with {schema.type!r}.")
    return AwkwardUpdate(
        **common,
        length=message["length"],
        mimetype=message["mimetype"],
        form=schema.form,
        payload=message.get("payload") or b"",
        persisted=bool(message.get("persisted", True)),
    )
