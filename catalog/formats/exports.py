"""Input and output of exporters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from core.errors import NotAcceptable

Data = TypeVar("Data")
Piece = bytes | memoryview
Body = Piece | Iterable[Piece]
"""The bytes of a response body, or an iterable of chunks that are produced while sending.

A memoryview has format `B`.
"""


@dataclass(frozen=True, slots=True)
class Export(Generic[Data]):
    """Data to write in the format `media_type`.

    | family | data |
    | --- | --- |
    | array | a numpy array |
    | sparse | `catalog.formats.sparse.Elements`: coordinates and values |
    | table | a `catalog.services.tables.reading.RowSelection`: Arrow tables, in chunks or joined |
    | awkward, ragged | a `catalog.formats.nested.Nested`: an `awkward.Array`, and its buffers |
    | container | a `catalog.services.nodes.subtrees.Subtree`: the node and its descendants |

    `key`, `metadata` and `specs` are those of the node; `dims` are the names of an array's
    dimensions, if it has any. `parameters` are those of the requested media type, as in
    `text/csv;header=absent`. `address` is that of the client, for its share of the budgets.
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

    Raises NotAcceptable for data that the format cannot represent. The first chunk is produced
    before the response starts: raise until then.
    """

    def __call__(self, export: Export[Any], /) -> Body:
        """Write the data of an export."""
        ...


def unsupported_shape_error(shape: tuple[int, ...], media_type: str) -> NotAcceptable:
    """Return the error for a shape that a format cannot represent."""
    return NotAcceptable(
        f"The shape of this data {shape} is incompatible with the requested format "
        f"({media_type}). Slice it or choose a different format."
    )


def unsupported_data_error(what: str, media_type: str) -> NotAcceptable:
    """Return the error for data that a format cannot represent."""
    return NotAcceptable(
        f"The requested format ({media_type}) cannot represent these data: {what}. Choose a "
        "different format."
    )
