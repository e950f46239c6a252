"""What extensions of a site import: these names stay where they are, wherever their code moves.

    from tiledproject.plugins import Format, frames_inspector, frames_reader

| for | names |
| --- | --- |
| formats of external files | Format, FrameFile, Sources, frames_reader, frames_inspector |
| those that hold several things | Entry, Inspected, Tree |
| export formats | Export, Formats, Body |
| validators of specs | Candidate, Child |
| structures | ArrayStructure, TableStructure, StructureFamily, array_structure |
| errors of formats | Unreadable, MissingFile, NoSuchEntry, NoSuchRows, NotReady, Unsupported |
| errors of exporters | NotAcceptable |

Each is loaded when it is first asked for: formats are imported in processes that know no Django.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from access.errors import NotAcceptable
    from catalog.formats import Body, Export, Formats
    from catalog.specs import Candidate, Child
    from catalog.storage.errors import (
        MissingFile,
        NoSuchEntry,
        NoSuchRows,
        NotReady,
        Unreadable,
        Unsupported,
    )
    from catalog.storage.external import (
        Entry,
        Format,
        FrameFile,
        Inspected,
        Sources,
        Tree,
        array_structure,
        frames_inspector,
        frames_reader,
    )
    from tiled_client.wire.families import StructureFamily
    from tiled_client.wire.structures import ArrayStructure, TableStructure

__all__ = [
    "ArrayStructure",
    "Body",
    "Candidate",
    "Child",
    "Entry",
    "Export",
    "Format",
    "Formats",
    "FrameFile",
    "Inspected",
    "MissingFile",
    "NoSuchEntry",
    "NoSuchRows",
    "NotAcceptable",
    "NotReady",
    "Sources",
    "StructureFamily",
    "TableStructure",
    "Tree",
    "Unreadable",
    "Unsupported",
    "array_structure",
    "frames_inspector",
    "frames_reader",
]

_MODULES = {
    "access.errors": ("NotAcceptable",),
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
    "tiled_client.wire.families": ("StructureFamily",),
    "tiled_client.wire.structures": ("ArrayStructure", "TableStructure"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"tiledproject.plugins has no {name!r}; it has {', '.join(__all__)}.")
    found = globals()[name] = getattr(import_module(module), name)
    return found


def __dir__() -> list[str]:
    return __all__
