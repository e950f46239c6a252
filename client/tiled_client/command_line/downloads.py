"""Download one node to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..nodes import Node

# The formats that keep data exactly, by structure family.
EXTENSIONS = {
    "array": ".npy",
    "table": ".parquet",
    "sparse": ".parquet",
    "ragged": ".parquet",
    "awkward": ".parquet",
    "container": "",
}


def save(
    node: Any,
    file: Any,
    format_: str | None = None,
    slice_: str | None = None,
    columns: tuple[str, ...] = (),
) -> None:
    """Export a node to a path or a file object; arrays as `.npy` of any size."""
    if columns:
        node.export(file, list(columns), format=format_)
    elif slice_:
        from ..wire.slices import parse_slice

        node.export(file, format=format_, slice=parse_slice(slice_))
    else:
        node.export(file, format=format_)


def extension_of(node: Node) -> str:
    """Return the extension of the format that keeps the data of a node exactly."""
    return EXTENSIONS.get(node.structure_family, "")
