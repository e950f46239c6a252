"""What an exporter is given, and what it gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from core.errors import NotAcceptable

Data = TypeVar("Data")
Piece = bytes | memoryview
Body = Piece | Iterable[Piece]
"""All bytes of an answer, or pieces of them, each made when the one before it has been sent.

A memoryview is one of bytes.
"""


@dataclass(frozen=True, slots=True)
class Export(Generic[Data]):
    """Some data, to be written in the format `media_type`.

    | family | data |
    | --- | --- |
    | array | a numpy array |
    | sparse | `catalog.formats.sparse.Elements`: coordinates and values |
    | table | a `catalog.services.tables.reading.RowSelection`: Arrow tables, in pieces or whole |
    | awkward, ragged | a `catalog.formats.nested.Nested`: an `awkward.Array`, and its buffers |
    | container | a `catalog.services.nodes.subtrees.Subtree`: the node and those below it |

    `key`, `metadata` and `specs` are those of the node; `dims` the names of an array's dimensions,
    if it has any. `parameters` are those of the media type that was asked for, as in
    `text/csv;header=absent`. `address` is the client's, of which budgets have a share.
    """

    data: Data
    media_type: str
    key: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    specs: tuple[str, ...] = ()
    dims: tuple[str, ...] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


class Exporter(Protocol):
    """Writes data in a format.

    Raises NotAcceptable for data that have no form in it. Of pieces, the first is made before the
    answer begins: what cannot be written should be found by then.
    """

    def __call__(self, export: Export[Any], /) -> Body:
        """Write it."""
        ...


def unsupported_shape_error(shape: tuple[int, ...], media_type: str) -> NotAcceptable:
    """That data of this shape have no form in a format, to be raised."""
    return NotAcceptable(
        f"The shape of this data {shape} is incompatible with the requested format "
        f"({media_type}). Slice it or choose a different format."
    )


def unsupported_data_error(what: str, media_type: str) -> NotAcceptable:
    """That these data have no form in a format, to be raised."""
    return NotAcceptable(
        f"These data have no form in the requested format ({media_type}): {what}. Choose a "
        "different format."
    )
