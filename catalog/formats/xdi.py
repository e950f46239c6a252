"""Tables of X-ray absorption spectra in the XAS Data Interchange format, for the spec `xdi`.

Source: XAS Data Interchange 1.0, github.com/XraySpectroscopy/XAS-Data-Interchange. The metadata
are `xdi_version`, `extra_version`, `fields` (an object of objects: namespace, tag, value) and
`comments`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..services.rows import Rows
from ..storage.tables import empty
from .exports import Export
from .plain_tables import plain_rows, plain_table

# In the order in which the specification names them; others come after them.
NAMESPACES = (
    *("Facility", "Beamline", "Mono", "Detector"),
    *("Sample", "Scan", "Element", "Column"),
)
END_OF_FIELDS = "# ///"
END_OF_HEADER = "# ---"


def xdi(export: Export[Rows]) -> Iterator[bytes]:
    """Header, labels, and columns with blanks between them."""
    names = plain_table(empty(export.data.schema)).column_names
    header = [*_header(export.metadata), "# " + " ".join(map(_word, names))]
    yield "".join(f"{line}\n" for line in header).encode()
    for piece in plain_rows(export.data):
        rows = zip(*(column.to_pylist() for column in piece.columns), strict=True)
        yield "".join(" ".join(map(_word, row)) + "\n" for row in rows).encode()


def _header(metadata: Mapping[str, Any]) -> Iterator[str]:
    version = metadata.get("xdi_version") or "1.0"
    yield _line(f"XDI/{version} {metadata.get('extra_version') or ''}".rstrip())
    fields = metadata.get("fields")
    yield from _fields(fields if isinstance(fields, Mapping) else {})
    yield END_OF_FIELDS
    for line in str(metadata.get("comments") or "").splitlines():
        yield _line(line.lstrip("# "))
    yield END_OF_HEADER


def _fields(fields: Mapping[str, Any]) -> Iterator[str]:
    known = [name for name in NAMESPACES if name in fields]
    for namespace in [*known, *(name for name in fields if name not in NAMESPACES)]:
        tags = fields[namespace]
        for tag, value in (tags if isinstance(tags, Mapping) else {}).items():
            yield _line(f"{namespace}.{tag}: {value}")


def _line(text: str) -> str:
    """A line of the header, whatever lines the text itself has."""
    return "# " + " ".join(text.split())


def _word(value: Any) -> str:
    """A value without the blanks that would make several of it."""
    return "nan" if value is None else "_".join(str(value).split()) or "_"
