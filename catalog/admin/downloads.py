"""Links to the data of a node in the export formats of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from core.http.media_types import EXCEL_CSV, X_CSV
from core.http.urls import API
from tiled_client.wire.structure_family import StructureFamily

from ..formats import formats
from ..lookup.embedded import EmbeddedNode
from ..models import Node

ENDPOINTS = {
    StructureFamily.container: "container/full",
    StructureFamily.array: "array/full",
    StructureFamily.sparse: "array/full",
    StructureFamily.table: "table/full",
    StructureFamily.ragged: "ragged/full",
    StructureFamily.awkward: "awkward/full",
}


# Of several extensions of a format; of the others, the first is the usual one.
USUAL_EXTENSIONS = frozenset({"html", "tiff", "txt"})
# The same data as CSV.
OTHER_NAMES = (X_CSV, EXCEL_CSV)


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """A link to the data in one format, named by its extension if it has one."""

    name: str
    media_type: str
    address: str


def downloads(node: Node | EmbeddedNode) -> list[DownloadLink]:
    """Return the formats in which the data of a node can be downloaded."""
    endpoint = ENDPOINTS.get(node.family)
    if endpoint is None:
        return []
    registry = formats()
    address = f"{API}/{endpoint}/{'/'.join(quote(key, safe='') for key in node.segments)}"
    aliases = registry.aliases()
    found: dict[str, DownloadLink] = {}
    names = [spec["name"] for spec in node.specs]
    for media_type, name in registry.media_types(names, node.family.value).items():
        if media_type in OTHER_NAMES:
            continue
        extensions = aliases[name].get(media_type, [])
        label = f".{_usual(extensions)}" if extensions else media_type
        query = {"format": media_type}
        if extensions:
            query["filename"] = f"{node.key or 'root'}{label}"
        found.setdefault(label, DownloadLink(label, media_type, f"{address}?{urlencode(query)}"))
    return list(found.values())


def _usual(extensions: Sequence[str]) -> str:
    return next((one for one in extensions if one in USUAL_EXTENSIONS), extensions[0])
