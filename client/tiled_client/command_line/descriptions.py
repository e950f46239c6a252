"""Nodes in words and as values of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..nodes.display.texts import shape_text, structure_json, type_text
from .connection import path_of
from .output import size_text

if TYPE_CHECKING:
    from ..nodes import Node


def specs_text(node: Node) -> str:
    """Return the names of a node's specs."""
    return ", ".join(
        spec.name if spec.version is None else f"{spec.name} {spec.version}" for spec in node.specs
    )


def summary(node: Node) -> dict[str, Any]:
    """Return a node as a value of JSON, for listings."""
    return {
        "key": node.key,
        "path": path_of(node),
        "structure_family": str(node.structure_family),
        "structure": structure_json(node),
        "specs": [spec.to_json() for spec in node.specs],
        "metadata": node.metadata,
    }


def details(node: Node) -> dict[str, Any]:
    """Return everything known of a node as a value of JSON."""
    found = {**summary(node), "uri": node.uri, "access_tags": node.access_tags}
    found["data_sources"] = [source.to_json() for source in node.data_sources()]
    return found


def fields(node: Any) -> dict[str, Any]:
    """Return the fields that `info` prints."""
    structure = structure_json(node) or {}
    found = {
        "path": path_of(node),
        "uri": node.uri,
        "family": str(node.structure_family),
        "shape": shape_text(node) if "shape" in structure else None,
        "dims": ", ".join(structure.get("dims") or ()),
        "type": type_text(node),
        "size": size_text(node.nbytes) if hasattr(node, "nbytes") else None,
        "chunks": _chunks_text(structure.get("chunks")),
        "columns": _columns(node),
        "partitions": structure.get("npartitions"),
        "entries": len(node) if node.structure_family == "container" else None,
        "specs": specs_text(node),
        "access tags": ", ".join(node.access_tags),
        "files": [asset.data_uri for source in node.data_sources() for asset in source.assets][:10],
        "metadata": node.metadata,
    }
    always = ("path", "uri", "family", "metadata")
    return {name: value for name, value in found.items() if value or name in always}


def _columns(node: Any) -> dict[str, str] | None:
    schema = getattr(node, "schema", None)
    return None if schema is None else {field.name: str(field.type) for field in schema}


def _chunks_text(chunks: Any) -> str:
    if not chunks or not isinstance(chunks[0], (list, tuple)):
        return ""
    return " x ".join(f"{len(sizes)} of {max(sizes, default=0)}" for sizes in chunks)
