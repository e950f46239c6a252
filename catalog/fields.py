"""Model fields of the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby, repeat
from typing import Any

import orjson
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from tiled_client.wire.dtypes import dtype_from_json
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure, Structure, structure_from_json


class StructureField(models.JSONField):
    """A structure in the form of the wire, with run-length encoded chunks in the database.

    An array that grew row by row has as many chunks as rows. Runs of equal chunks are stored as
    `[size, count]`, so that the cost of a write does not grow with the number of chunks.
    """

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """Return the structure in the form of the wire."""
        return _with_chunks(super().from_db_value(value, expression, connection), _expanded)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        """Return the structure with run-length encoded chunks."""
        return super().get_db_prep_value(_with_chunks(value, _runs), connection, prepared)


def structure_from_text(family: StructureFamily, text: str) -> Structure | None:
    """Return the structure that the database has as `text`; None for a container."""
    if family is StructureFamily.container:
        return None
    value = orjson.loads(text)
    if family is StructureFamily.array:
        return _array_structure(value)
    return structure_from_json(family, _with_chunks(value, _expanded))


def _array_structure(value: Any) -> ArrayStructure:
    """Parse like `ArrayStructure.from_json`, without validation, which storing it included."""
    dims = value["dims"]
    return ArrayStructure(
        dtype_from_json(value["data_type"]),
        tuple(value["shape"]),
        tuple(tuple(_expanded(runs)) for runs in value["chunks"]),
        None if dims is None else tuple(dims),
        codec=value.get("codec"),
    )


def _with_chunks(structure: Any, convert: Any) -> Any:
    if not isinstance(structure, dict) or "chunks" not in structure:
        return structure
    # A dimension whose size varies from row to row has none.
    chunks = [None if sizes is None else convert(sizes) for sizes in structure["chunks"]]
    return {**structure, "chunks": chunks}


def _runs(sizes: Sequence[int]) -> list[list[int]]:
    # Nearly always all chunks but the last are of one size, which is seen many times faster.
    alike = sizes.count(sizes[0]) if sizes else 0
    if alike and alike == len(sizes):
        return [[sizes[0], alike]]
    if alike and alike == len(sizes) - 1 and sizes[-1] != sizes[0]:
        return [[sizes[0], alike], [sizes[-1], 1]]
    return [[size, len(list(run))] for size, run in groupby(sizes)]


def _expanded(runs: list[list[int]]) -> list[int]:
    return list(chain.from_iterable(repeat(size, count) for size, count in runs))
