"""Import surface for extensions of a site: these names stay, also when their code moves.

    from tiledproject.plugins import Format, frames_inspector, frames_reader

| subject | names |
| --- | --- |
| formats of external files | Format, FrameFile, Sources, frames_reader, frames_inspector |
| container files | Entry, Inspected, Tree |
| export formats | Export, Formats, Body |
| validators of specs | Candidate, Child |
| structures | ArrayStructure, TableStructure, StructureFamily, array_structure |
| errors of formats | Unreadable, MissingFile, NoSuchEntry, NoSuchRows, NotReady, Unsupported |
| errors of exporters | NotAcceptable |

Names are imported lazily, at first access: formats are imported in processes without Django.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catalog.formats import Body as Body
    from catalog.formats import Export as Export
    from catalog.formats import Formats as Formats
    from catalog.specs import Candidate as Candidate
    from catalog.specs import Child as Child
    from catalog.storage.errors import MissingFile as MissingFile
    from catalog.storage.errors import NoSuchEntry as NoSuchEntry
    from catalog.storage.errors import NoSuchRows as NoSuchRows
    from catalog.storage.errors import NotReady as NotReady
    from catalog.storage.errors import Unreadable as Unreadable
    from catalog.storage.errors import Unsupported as Unsupported
    from catalog.storage.external import Entry as Entry
    from catalog.storage.external import Format as Format
    from catalog.storage.external import FrameFile as FrameFile
    from catalog.storage.external import Inspected as Inspected
    from catalog.storage.external import Sources as Sources
    from catalog.storage.external import Tree as Tree
    from catalog.storage.external import array_structure as array_structure
    from catalog.storage.external import frames_inspector as frames_inspector
    from catalog.storage.external import frames_reader as frames_reader
    from core.errors import NotAcceptable as NotAcceptable
    from tiled_client.wire.structure_family import StructureFamily as StructureFamily
    from tiled_client.wire.structures import ArrayStructure as ArrayStructure
    from tiled_client.wire.structures import TableStructure as TableStructure

_MODULES = {
    "core.errors": ("NotAcceptable",),
    "catalog.formats": ("Body", "Export", "Formats"),
    "catalog.specs": ("Candidate", "Child"),
    "catalog.storage.errors": (
        "MissingFile",
        "NoSuchEntry",
        "NoSuchRows",
        "NotReady",
        "Unreadable",
        "Unsupported",
    ),
    "catalog.storage.external": (
        "Entry",
        "Format",
        "FrameFile",
        "Inspected",
        "Sources",
        "Tree",
        "array_structure",
        "frames_inspector",
        "frames_reader",
    ),
    "tiled_client.wire.structure_family": ("StructureFamily",),
    "tiled_client.wire.structures": ("ArrayStructure", "TableStructure"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(
            f"tiledproject.plugins has no {name!r}; it has {', '.join(__dir__())}."
        )
    found = globals()[name] = getattr(import_module(module), name)
    return found


def __dir__() -> list[str]:
    return sorted(_MODULE_OF)
