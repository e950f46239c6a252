"""The contents of a registered file, or of a group in it, as a section of a page."""

from __future__ import annotations

from django.utils.html import format_html

from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..lookup.embedded import EmbeddedNode, Group, UnreadableEntry
from ..storage.errors import StorageError
from ..storage.external import Tree
from .details import DetailTable
from .sections import Section
from .text import format_columns, format_dtype, format_shape
from .tree import embedded_address

TITLE = "Contents of the file"
MAX_LISTED_ENTRIES = 100


def contents_section(group: Group) -> Section:
    """Return the entries of a group, up to a maximum, each with its content or its problem."""
    try:
        with group.open() as tree:
            names = tree.names(group.keys)
            rows = [_row(group, tree, name) for name in names[:MAX_LISTED_ENTRIES]]
    except StorageError as error:
        return Section(TITLE, note=str(error))
    left = len(names) - len(rows)
    return Section(
        TITLE,
        {"Entries": f"{len(names):,}"},
        DetailTable(["Name", "Family", "Content, or problem"], rows) if rows else None,
        note=f"{left:,} more are not listed; the live page has all." if left else "",
    )


def _row(group: Group, tree: Tree, name: str) -> list[str]:
    found = group.child(tree, name)
    if isinstance(found, UnreadableEntry):
        return [name, "", str(found.problem)]
    link = format_html("<a href='{}'>{}</a>", embedded_address(found.path), name)
    return [link, found.family.value, _content(tree, found)]


def _content(tree: Tree, node: EmbeddedNode) -> str:
    try:
        if node.family is StructureFamily.container:
            return _format_entries(len(tree.names(node.keys)))
        match node.structure:
            case ArrayStructure() as structure:
                return f"{format_dtype(structure.dtype)} ({format_shape(structure.shape)})"
            case TableStructure() as structure:
                return format_columns(structure.columns)
    except (StorageError, WireError) as error:
        return str(error)
    return ""


def _format_entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count:,} entries"
