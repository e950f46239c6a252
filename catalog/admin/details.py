"""What there is to say about a node, in labelled lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import Count

from access.permissions.tag_permissions import tags_enabled
from core.text import count_text, moment, size_text
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.buffers import awkward_form
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure, TableStructure

from ..lookup.nodes import below
from ..models import DataSource, Node
from ..permissions.node_permissions import own_tags
from .disk_usage import room_of
from .text import chunks_text, dtype_text, shape_text, specs_text

Facts = dict[str, object]
LONGEST_TYPE = 1000


@dataclass(frozen=True, slots=True)
class Grid:
    """A small table: heads of the columns, and rows of texts."""

    heads: list[str]
    rows: list[list[str]]


def node_facts(node: Node) -> Facts:
    """Which node it is, of what kind, and since when."""
    facts: Facts = {
        "Path": str(node),
        "UUID": node.uuid,
        "Family": node.structure_family,
        "Specs": specs_text(node.specs) or "none",
        "Created": moment(node.time_created),
        "Updated": moment(node.time_updated),
    }
    if tags_enabled():
        facts["Access tags"] = ", ".join(own_tags(node.tag_path_id)) or "none"
    if node.structure_family == "container":
        facts |= _container_facts(node)
    return facts


def _container_facts(node: Node) -> Facts:
    found = below(Node.objects.order_by(), node.path).values_list("structure_family")
    families = dict(found.annotate(Count("pk")))
    kinds = ", ".join(count_text(families[name], name) for name in sorted(families))
    return {"Child nodes": f"{node.children.count():,}", "All below": kinds or "nothing"}


def structure_facts(node: Node) -> tuple[Facts, Grid | None]:
    """The structure in words, and its dimensions or columns as a small table.

    Raises WireError for a structure that cannot be understood.
    """
    match node.structure:
        case ArrayStructure() as structure:
            return _array_facts(structure), _dimensions(structure)
        case TableStructure() as structure:
            return _table_facts(structure), _columns(structure)
        case SparseStructure() as structure:
            return _kind_facts(structure.shape, structure.dtype), _dimensions(structure)
        case RaggedStructure() as structure:
            facts = _kind_facts(structure.shape, structure.dtype)
            return {**facts, "Elements": f"{structure.size:,}"}, None
        case AwkwardStructure() as structure:
            return {"Items": f"{structure.length:,}", "Type": _type_text(structure)}, None
    return {}, None


def _array_facts(structure: ArrayStructure) -> Facts:
    return {
        "Shape": shape_text(structure.shape),
        "Dtype": f"{dtype_text(structure.dtype)} ({count_text(structure.dtype.itemsize, 'byte')})",
        "Size": size_text(structure.nbytes),
    }


def _kind_facts(shape: Sequence[int | None], dtype: np.dtype[Any]) -> Facts:
    return {"Shape": shape_text(shape), "Dtype": dtype_text(dtype)}


def _type_text(structure: AwkwardStructure) -> str:
    text = str(awkward_form(structure.form).type)
    return text if len(text) <= LONGEST_TYPE else f"{text[:LONGEST_TYPE]}…"


def _dimensions(structure: ArrayStructure | SparseStructure) -> Grid | None:
    if not structure.shape:
        return None
    names = structure.dims or tuple(str(number) for number in range(len(structure.shape)))
    rows = [
        [name, f"{size:,}", chunks_text(chunks)]
        for name, size, chunks in zip(names, structure.shape, structure.chunks, strict=True)
    ]
    return Grid(["Dimension", "Size", "Chunks"], rows)


def _table_facts(structure: TableStructure) -> Facts:
    return {
        "Columns": f"{len(structure.columns):,}",
        "Partitions": f"{structure.npartitions:,}",
    }


def _columns(structure: TableStructure) -> Grid:
    fields = structure.schema()
    return Grid(["Column", "Type"], [[field.name, str(field.type)] for field in fields])


def source_facts(source: DataSource) -> Facts:
    """How and where data are kept."""
    return {
        "Mimetype": source.mimetype,
        "Management": source.management,
        "On disk": str(room_of(source)),
    }
