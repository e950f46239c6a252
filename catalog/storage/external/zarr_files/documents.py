"""Metadata documents of a Zarr folder: its arrays and groups."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from ...bucket_files.paths import ObjectPath, prefetch
from ...errors import Unreadable
from ..frame_stacks import MAX_FRAME_BYTES
from ..sources import Sources

DOCUMENTS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
MAX_DOCUMENT_BYTES = 64 * 1024 * 1024
RESERVED_STACK_LEVELS = 100
ITEM_SIZE = re.compile(r"\d+")
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
    def chunk_bytes(self) -> int:
        """The approximate size of a chunk of an array that is not compressed."""
        assert self.array is not None
        item = _item_bytes(self.array.get("dtype") or self.array.get("data_type"))
        return math.prod(_chunk_sizes(self.array) or ()) * item

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


def _item_bytes(dtype: Any) -> int:
    """Return the size of an element, by the name of its dtype; eight bytes if it has none."""
    found = ITEM_SIZE.search(dtype) if isinstance(dtype, str) else None
    if found is None:
        return 8
    size = int(found[0])
    return max(size // 8, 1) if dtype[:1].isalpha() else size


def find_node(folder: Path, sources: Sources) -> ZarrNode | None:
    """Return the array or group in a folder, or None. Raises Unreadable."""
    prefetch([folder / name for name in DOCUMENTS])
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
    names = list(_folders(folder))
    prefetch([folder / name / document for name in names for document in DOCUMENTS[:3]])
    return sorted(name for name in names if _is_node(folder / name, sources))


def _folders(folder: Path) -> Iterator[str]:
    if isinstance(folder, ObjectPath):
        yield from folder.folder_names()
        return
    with os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if entry.is_dir())


def _is_node(folder: Path, sources: Sources) -> bool:
    return any((folder / name).is_file() for name in DOCUMENTS[:3])


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
    chunk = _chunk_sizes(document)
    if chunk is None:
        raise Unreadable("its chunk sizes are missing.")
    if math.prod(chunk) > MAX_FRAME_BYTES:
        raise Unreadable(f"its chunks are larger than {MAX_FRAME_BYTES} elements.")
    return document


def _chunk_sizes(document: dict[str, Any]) -> list[int] | None:
    chunk = document.get("chunks")
    if chunk is None:
        grid = document.get("chunk_grid")
        configuration = grid.get("configuration") if isinstance(grid, dict) else None
        chunk = configuration.get("chunk_shape") if isinstance(configuration, dict) else None
    if not isinstance(chunk, list) or not all(isinstance(n, int) and n > 0 for n in chunk):
        return None
    return chunk


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
