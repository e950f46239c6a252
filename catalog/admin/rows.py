"""Summaries of nodes in a list, for a whole page in three queries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum

from core.text import format_count, format_size
from tiled_client.wire.dtypes import dtype_from_json
from tiled_client.wire.errors import WireError
from tiled_client.wire.structure_family import StructureFamily

from ..models import DataSource, Node
from .text import format_columns, format_dtype, format_shape

# Errors raised for an invalid structure.
UNKNOWN = (WireError, LookupError, TypeError, ValueError)
NAMES = ("shape", "data_type", "columns", "length")


@dataclass(frozen=True, slots=True)
class Row:
    """The content of a node, and its size; `is_file` if it is a file with embedded nodes."""

    content: str
    size: str = ""
    is_file: bool = False


def describe(nodes: Sequence[Node]) -> dict[int, Row]:
    """Return the rows of `nodes`, by their ids.

    Only shape, dtype and columns of structures are fetched: an array that grew row by row has
    as many chunks as rows.
    """
    counts = _child_counts(nodes)
    sizes = _file_sizes(nodes)
    sources = _sources(nodes)
    rows = {}
    for node in nodes:
        size = format_size(sizes.get(node.pk) or 0)
        try:
            rows[node.pk] = _row(node, sources.get(node.pk, {}), counts.get(node.pk, 0), size)
        except UNKNOWN as error:
            rows[node.pk] = Row(f"cannot be described: {error}")
    return rows


def _row(node: Node, source: Mapping[str, Any], children: int, size: str) -> Row:
    match node.family:
        case StructureFamily.container if source:
            return Row("a file with embedded nodes", is_file=True)
        case StructureFamily.container:
            return Row(format_count(children, "child node"))
        case StructureFamily.array:
            return _array(source)
        case StructureFamily.table:
            return Row(format_columns(source["structure__columns"]), size)
        case StructureFamily.sparse | StructureFamily.ragged:
            return Row(f"{node.structure_family} {_kind(source)}", size)
        case StructureFamily.awkward:
            return Row(format_count(source["structure__length"], "item"), size)
    return Row("")


def _child_counts(nodes: Sequence[Node]) -> dict[int, int]:
    containers = [node.pk for node in nodes if node.family is StructureFamily.container]
    children = Node.objects.filter(parent__in=containers).order_by()
    return dict(children.values_list("parent").annotate(Count("pk")))


def _file_sizes(nodes: Sequence[Node]) -> dict[int, int]:
    """Return the total file size of nodes whose files have a recorded size."""
    noted = [node.pk for node in nodes if node.family is not StructureFamily.array]
    sources = DataSource.objects.filter(node__in=noted)
    return dict(sources.values_list("node").annotate(Sum("assets__size")))


def _sources(nodes: Sequence[Node]) -> dict[int, dict[str, Any]]:
    names = ("node", *(f"structure__{name}" for name in NAMES))
    sources = DataSource.objects.filter(node__in=[node.pk for node in nodes]).values(*names)
    return {source["node"]: source for source in sources}


def _array(source: Mapping[str, Any]) -> Row:
    shape = source["structure__shape"]
    dtype = dtype_from_json(source["structure__data_type"]).to_numpy()
    return Row(_kind(source), format_size(math.prod(shape) * dtype.itemsize))


def _kind(source: Mapping[str, Any]) -> str:
    """Return dtype and shape."""
    shape = source["structure__shape"]
    dtype = dtype_from_json(source["structure__data_type"]).to_numpy()
    return f"{format_dtype(dtype)} ({format_shape(shape)})" if shape else format_dtype(dtype)
