"""Metadata documents of a Zarr folder: its arrays and groups."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ...errors import Unreadable
from ..frame_stacks import MAX_FRAME_BYTES
from ..sources import Sources

MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
RESERVED_STACK_LEVELS = 100
# Unpickling executes code that the chunks contain.
UNSAFE_CODECS = {"pickle"}


@dataclass(frozen=True, slots=True)
class ZarrNode:
    """An array, or a group if `array` is None. `array` is its document."""

    folder: Path
    version: int
    array: dict[str, Any] | None
    attributes: dict[str, Any]

    @property
    def dims(self) -> tuple[str, ...] | None:
        """The dimension names of an array, if all have a distinct one."""
        assert self.array is not None
        named = self.array.get("dimension_names") or self.attributes.get("_ARRAY_DIMENSIONS")
        if not isinstance(named, list) or not all(isinstance(name, str) for name in named):
            return None
        if len(set(named)) < len(named):
            return None
        return tuple(named) if len(named) == len(self.array.get("shape", ())) else None


def find_node(folder: Path, sources: Sources) -> ZarrNode | None:
    """Return the array or group in a folder, or None. Raises Unreadable."""
    document = _document(folder / "zarr.json", sources)
    if document is not None:
        attributes = _attributes(document.get("attributes"))
        is_array = document.get("node_type") == "array"
        return ZarrNode(folder, 3, _check_codecs(document) if is_array else None, attributes)
    array = _document(folder / ".zarray", sources)
    if array is None and _document(folder / ".zgroup", sources) is None:
        return None
    attributes = _attributes(_document(folder / ".zattrs", sources))
    return ZarrNode(folder, 2, None if array is None else _check_codecs(array), attributes)


def child_names(folder: Path, sources: Sources) -> list[str]:
    """Return the names of the arrays and groups in a group, sorted."""
    return sorted(name for name in _folders(folder) if _is_node(folder / name, sources))


def _folders(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if entry.is_dir())


def _is_node(folder: Path, sources: Sources) -> bool:
    return any((folder / name).exists() for name in ("zarr.json", ".zarray", ".zgroup"))


def _document(path: Path, sources: Sources) -> dict[str, Any] | None:
    try:
        with sources.confined(path).open("rb") as file:
            text = file.read(MAX_DOCUMENT_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        document = json.loads(text)  # unlike orjson, accepts NaN, which Zarr writers use
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path} is not valid JSON: {error}.") from error
    if not isinstance(document, dict):
        raise Unreadable(f"{path} is not a JSON object.")
    return document


def _attributes(value: Any) -> dict[str, Any]:
    """Return the attributes, or an error text if a response could not nest them."""
    nested = value
    for _ in range(RESERVED_STACK_LEVELS):
        nested = [nested]
    try:
        orjson.dumps(nested)
        # NaN and infinity become null: JSON has neither.
        value = orjson.loads(orjson.dumps(value))
    except orjson.JSONEncodeError as error:
        return {"attributes": f"cannot be represented: {error}."}
    return value if isinstance(value, dict) else {}


def _check_codecs(document: dict[str, Any]) -> dict[str, Any]:
    """Return an array's document. Raise Unreadable for codecs that can execute code."""
    unsafe = sorted(UNSAFE_CODECS & set(_codecs(document)))
    if unsafe:
        raise Unreadable(f"its codec {unsafe[0]} is not allowed: it could execute code.")
    chunk = document.get("chunks")
    if chunk is None:
        grid = document.get("chunk_grid")
        configuration = grid.get("configuration") if isinstance(grid, dict) else None
        chunk = configuration.get("chunk_shape") if isinstance(configuration, dict) else None
    if not isinstance(chunk, list) or not all(isinstance(n, int) and n > 0 for n in chunk):
        raise Unreadable("its chunk sizes are missing.")
    if math.prod(chunk) > MAX_FRAME_BYTES:
        raise Unreadable(f"its chunks are larger than {MAX_FRAME_BYTES} elements.")
    return document


def _codecs(value: Any) -> Iterator[str]:
    """Yield the names of all codecs, compressors and filters, at any depth."""
    if isinstance(value, dict):
        for name in (value.get("id"), value.get("name")):
            if isinstance(name, str):
                yield name.rpartition(".")[2].lower()
        for key, one in value.items():
            if key not in ("attributes", "fill_value"):
                yield from _codecs(one)
    elif isinstance(value, list):
        for one in value:
            yield from _codecs(one)
