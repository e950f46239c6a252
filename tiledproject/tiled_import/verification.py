"""Verify imported nodes: read samples here and from Tiled, and compare them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import DatabaseError

from catalog.lookup.nodes import resolve
from catalog.models import Node
from catalog.services.arrays.awkward import read_awkward
from catalog.services.arrays.dense import read_array
from catalog.services.arrays.ragged import read_ragged
from catalog.services.arrays.sparse import read_sparse_block
from catalog.services.tables.reading import read_partition
from catalog.storage import tables
from catalog.storage.errors import StorageError
from core.errors import ServiceError
from tiled_client.wire import buffers
from tiled_client.wire.awkward import AwkwardStructure
from tiled_client.wire.errors import WireError
from tiled_client.wire.ragged import RaggedStructure
from tiled_client.wire.sparse import SparseStructure
from tiled_client.wire.structures import ArrayStructure, TableStructure

from .conversion import PlannedNode
from .errors import NotImportable
from .report import ImportReport
from .source.records import NodeValues, TiledSource

MAX_ELEMENTS = 1_000_000
MAX_ROWS = 10_000
DIFFERENT = "DIFFERENT from Tiled"
UNREADABLE = "Samples cannot be read here"
UNREADABLE_THERE = "Samples cannot be read from Tiled, and were not compared"


class Different(Exception):
    """A sample differs. The text says in what."""


@dataclass(frozen=True, slots=True)
class SampleVerification:
    """Compares nodes with `source`, in the report."""

    source: TiledSource
    report: ImportReport

    def run(self, nodes: Iterable[PlannedNode]) -> None:
        """Compare each of the nodes: metadata, specs, and a part of the data."""
        for planned in nodes:
            try:
                self._compare(planned)
            except Different as error:
                self.report.find(f"{DIFFERENT}: {error}", planned.path)
            except NotImportable as error:
                self.report.find(UNREADABLE_THERE, f"{planned.path}: {error}")
            except (ServiceError, StorageError, WireError, DatabaseError) as error:
                text = str(getattr(error, "detail", error)).rstrip(".")
                self.report.find(UNREADABLE, f"{planned.path}: {text[:200]}")
            else:
                self.report.count("samples that are equal here and in Tiled")

    def _compare(self, planned: PlannedNode) -> None:
        node = resolve(planned.path)
        if node.metadata != (planned.source.metadata or {}):
            raise Different("metadata")
        if node.specs != planned.specs:
            raise Different("specs")
        if not planned.source.sources or node.structure is None:
            return
        data = planned.copied or planned.source.sources[0]
        compare_data(node, self.source.values(planned.source, data))


def compare_data(node: Node, values: NodeValues) -> None:
    """Raise Different if a part of the data of `node` differs from `values`."""
    match node.structure:
        case ArrayStructure() as structure:
            for region in _corners(structure):
                _same(np.asarray(read_array(node, region)), values.array(region))
        case TableStructure() as structure:
            for number in {0, structure.npartitions - 1}:
                _same_rows(node, number, values, structure.schema())
        case SparseStructure() as structure:
            blocks = enumerate(product(*(range(len(sizes)) for sizes in structure.chunks)))
            for number, block in list(blocks)[:2]:
                _same_block(node, block, values.sparse_block(number, block))
        case AwkwardStructure() as structure:
            _same_buffers(node, structure, values)
        case RaggedStructure():
            _same_chunks(node, values)


def _same_buffers(node: Node, structure: AwkwardStructure, values: NodeValues) -> None:
    if members := values.buffers():
        form = buffers.awkward_form(structure.form)
        _same_lists(read_awkward(node), buffers.awkward_array(form, structure.length, members))


def _same_chunks(node: Node, values: NodeValues) -> None:
    start = 0
    for _, chunk in values.ragged_chunks():
        _same_lists(read_ragged(node, (slice(start, start + len(chunk)),)), chunk)
        start += len(chunk)


def _corners(structure: ArrayStructure) -> list[tuple[slice, ...]]:
    """Return the regions of the first and of the last elements."""
    if not math.prod(structure.shape):
        return []
    sizes = list(structure.shape)
    for dimension in range(len(sizes)):
        rest = math.prod(sizes[dimension + 1 :])
        sizes[dimension] = min(sizes[dimension], max(MAX_ELEMENTS // max(rest, 1), 1))
    pairs = list(zip(structure.shape, sizes, strict=True))
    first = tuple(slice(0, size) for _, size in pairs)
    last = tuple(slice(full - size, full) for full, size in pairs)
    return [first] if first == last else [first, last]


def _same(ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> None:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        raise Different(f"{ours.dtype} {ours.shape} instead of {theirs.dtype} {theirs.shape}")
    # As bytes: NaN is equal to itself then, and a structured dtype compares like any other.
    if np.ascontiguousarray(ours).tobytes() != np.ascontiguousarray(theirs).tobytes():
        raise Different("elements")


def _same_rows(node: Node, number: int, values: NodeValues, schema: pa.Schema) -> None:
    found, count = [], 0
    for table in values.tables(number):
        found.append(tables.conform(table, schema))
        count += table.num_rows
        if count >= MAX_ROWS:
            break
    theirs = pa.concat_tables(found).slice(0, MAX_ROWS) if found else tables.empty(schema)
    if not len(theirs):
        return
    ours = read_partition(node, number, None, slice(0, len(theirs)))
    # Rows are compared as text, which has NaN as equal.
    if str(ours.to_pylist()) != str(theirs.to_pylist()):
        raise Different(f"rows of partition {number}")


def _same_block(node: Node, block: tuple[int, ...], theirs: pa.Table | None) -> None:
    ours = read_sparse_block(node, block)
    count = 0 if theirs is None else theirs.num_rows
    if len(ours.data) != count:
        raise Different(f"block {block} has {len(ours.data)} elements instead of {count}")
    if theirs is None:
        return
    columns = [np.asarray(column.to_numpy()) for column in theirs.columns]
    mine = sorted(zip(*[row.tolist() for row in ours.coords], ours.data.tolist(), strict=True))
    if str(mine) != str(sorted(zip(*[c.tolist() for c in columns], strict=True))):
        raise Different(f"elements of block {block}")


def _same_lists(ours: Any, theirs: Any) -> None:
    if str(ours.to_list()) != str(theirs.to_list()):
        raise Different("items")
