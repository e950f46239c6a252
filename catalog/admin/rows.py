"""What the list of nodes says about the data of each, for a whole page in three queries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Sum

from tiled_client.wire.dtypes import dtype_from_json
from tiled_client.wire.families import StructureFamily

from ..models import DataSource, Node
from .text import count_text, dtype_text, shape_text, size_text

MOST_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """What a node holds, and how large that is."""

    content: str
    size: str = ""


def describe(nodes: Sequence[Node]) -> dict[int, Row]:
    """The rows of `nodes`, by their ids.

    Of structures only shape, dtype and columns are fetched: an array that grew row by row has as
    many chunks as rows.
    """
    counts = _child_counts(nodes)
    sizes = _table_sizes(nodes)
    sources = _sources(nodes)
    rows = {}
    for node in nodes:
        source = sources.get(node.pk, {})
        match node.family:
            case StructureFamily.container:
                rows[node.pk] = Row(count_text(counts.get(node.pk, 0), "child node"))
            case StructureFamily.array:
                rows[node.pk] = _array(source)
            case StructureFamily.table:
                rows[node.pk] = Row(_columns(source), size_text(sizes.get(node.pk) or 0))
            case _:
                rows[node.pk] = Row("")
    return rows


def _child_counts(nodes: Sequence[Node]) -> dict[int, int]:
    containers = [node.pk for node in nodes if node.family is StructureFamily.container]
    children = Node.objects.filter(parent__in=containers).order_by()
    return dict(children.values_list("parent").annotate(Count("pk")))


def _table_sizes(nodes: Sequence[Node]) -> dict[int, int]:
    tables = [node.pk for node in nodes if node.family is StructureFamily.table]
    sources = DataSource.objects.filter(node__in=tables)
    return dict(sources.values_list("node").annotate(Sum("assets__size")))


def _sources(nodes: Sequence[Node]) -> dict[int, dict[str, Any]]:
    names = ("node", "structure__shape", "structure__data_type", "structure__columns")
    sources = DataSource.objects.filter(node__in=[node.pk for node in nodes]).values(*names)
    return {source["node"]: source for source in sources}


def _array(source: Mapping[str, Any]) -> Row:
    shape = source["structure__shape"]
    dtype = dtype_from_json(source["structure__data_type"]).to_numpy()
    size = math.prod(shape) * dtype.itemsize
    content = f"{dtype_text(dtype)} ({shape_text(shape)})" if shape else dtype_text(dtype)
    return Row(content, size_text(size))


def _columns(source: Mapping[str, Any]) -> str:
    names = source["structure__columns"]
    more = ", …" if len(names) > MOST_COLUMNS else ""
    return f"{count_text(len(names), 'column')}: {', '.join(names[:MOST_COLUMNS])}{more}"
