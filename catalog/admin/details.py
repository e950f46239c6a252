"""Details of a node, in labelled rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count
from django.utils.html import format_html

from access.permissions.tag_permissions import tags_enabled
from core.text import format_count, format_size, format_time
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import awkward_form
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..lookup.embedded import EmbeddedNode
from ..lookup.nodes import filter_descendants
from ..models import DataSource, Node
from ..permissions.node_permissions import own_tags
from .disk_usage import disk_usage
from .text import format_chunks, format_dtype, format_shape, format_specs
from .tree import is_listed, page_address

DetailRows = dict[str, object]
MAX_TYPE_CHARS = 1000


@dataclass(frozen=True, slots=True)
class DetailTable:
    """A small table: column headings, and rows of strings."""

    heads: list[str]
    rows: list[list[str]]


def node_details(node: Node) -> DetailRows:
    """Return the identity, family and timestamps of a node."""
    details: DetailRows = {
        "Path": str(node),
        "UUID": node.uuid,
        "Family": node.structure_family,
        "Specs": format_specs(node.specs) or "none",
        "Created": format_time(node.time_created),
        "Updated": format_time(node.time_updated),
    }
    if tags_enabled():
        details["Access tags"] = ", ".join(own_tags(node.tag_path_id)) or "none"
    if is_listed(node):
        details |= _container_details(node)
    return details


def _container_details(node: Node) -> DetailRows:
    found = filter_descendants(Node.objects.order_by(), node.path).values_list("structure_family")
    families = dict(found.annotate(Count("pk")))
    kinds = ", ".join(format_count(families[name], name) for name in sorted(families))
    return {"Child nodes": f"{node.children.count():,}", "All descendants": kinds or "none"}


def embedded_details(node: EmbeddedNode) -> DetailRows:
    """Return the path, family and specs of a node inside a file."""
    return {
        "Path": f"/{node.path}",
        "Family": node.family.value,
        "Specs": format_specs(node.specs) or "none",
        "File": format_html("<a href='{}'>{}</a>", page_address(node.host), str(node.host)),
    }


def structure_details(node: Node | EmbeddedNode) -> tuple[DetailRows, DetailTable | None]:
    """Return the structure in words, and its dimensions or columns as a small table.

    Raises WireError for an invalid structure.
    """
    match node.structure:
        case ArrayStructure() as structure:
            return _array_details(structure), _dimensions(structure)
        case TableStructure() as structure:
            return _table_details(structure), _columns(structure)
        case SparseStructure() as structure:
            return _kind_details(structure.shape, structure.dtype), _dimensions(structure)
        case RaggedStructure() as structure:
            details = _kind_details(structure.shape, structure.dtype)
            return {**details, "Elements": f"{structure.size:,}"}, None
        case AwkwardStructure() as structure:
            return {"Items": f"{structure.length:,}", "Type": _type_text(structure)}, None
    return {}, None


def _array_details(structure: ArrayStructure) -> DetailRows:
    itemsize = format_count(structure.dtype.itemsize, "byte")
    return {
        "Shape": format_shape(structure.shape),
        "Dtype": f"{format_dtype(structure.dtype)} ({itemsize})",
        "Size": format_size(structure.nbytes),
    }


def _kind_details(shape: Sequence[int | None], dtype: np.dtype[Any]) -> DetailRows:
    return {"Shape": format_shape(shape), "Dtype": format_dtype(dtype)}


def _type_text(structure: AwkwardStructure) -> str:
    text = str(awkward_form(structure.form).type)
    return text if len(text) <= MAX_TYPE_CHARS else f"{text[:MAX_TYPE_CHARS]}…"


def _dimensions(structure: ArrayStructure | SparseStructure) -> DetailTable | None:
    if not structure.shape:
        return None
    names = structure.dims or tuple(str(number) for number in range(len(structure.shape)))
    rows = [
        [name, f"{size:,}", format_chunks(chunks)]
        for name, size, chunks in zip(names, structure.shape, structure.chunks, strict=True)
    ]
    return DetailTable(["Dimension", "Size", "Chunks"], rows)


def _table_details(structure: TableStructure) -> DetailRows:
    return {
        "Columns": f"{len(structure.columns):,}",
        "Partitions": f"{structure.npartitions:,}",
    }


def _columns(structure: TableStructure) -> DetailTable:
    fields = structure.schema()
    return DetailTable(["Column", "Type"], [[field.name, str(field.type)] for field in fields])


def source_details(source: DataSource) -> DetailRows:
    """Return how and where the data are stored."""
    return {
        "Mimetype": source.mimetype,
        "Management": source.management,
        "On disk": str(disk_usage(source)),
    }
