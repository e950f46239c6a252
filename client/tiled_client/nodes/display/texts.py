"""Short texts about nodes. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...errors import TiledClientError
from ...wire.structure_family import StructureFamily

# Limits of a representation: characters of a key, of all keys or columns, of an error.
MAX_NAME, MAX_NAMES, MAX_REASON = 40, 100, 160


def clipped(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, with "..." at the end if it is cut."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def listed(values: Sequence[Any], count: int, brackets: str = "[]") -> str:
    """Return the first of `count` values in brackets, as many as fit a line.

    Long texts are shortened.
    """
    shown: list[str] = []
    width = 0
    for value in values:
        text = repr(clipped(value, MAX_NAME) if isinstance(value, str) else value)
        width += len(text) + 2
        if shown and width > MAX_NAMES:
            break
        shown.append(text)
    if len(shown) < count:
        shown.append("...")
    return f"{brackets[0]}{', '.join(shown)}{brackets[1]}"


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun, as "1 entry" or "1,000 rows"."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def reason(error: BaseException) -> str:
    """Return the reason in one line, for what is not known."""
    text = error.detail if isinstance(error, TiledClientError) else str(error)
    line = " ".join(text.split())
    if not isinstance(error, TiledClientError):
        line = f"{type(error).__name__}: {line}" if line else type(error).__name__
    return clipped(line, MAX_REASON)


def joined(*facts: str | None) -> str:
    """Return the facts that there are, separated by spaces."""
    return " ".join(filter(None, facts))


def chunks_text(chunks: Iterable[Sequence[int] | None]) -> str:
    """Return the sizes of chunks along each dimension; long lists are shortened."""
    return f"({', '.join(map(_sizes_text, chunks))})"


def _sizes_text(sizes: Sequence[int] | None) -> str:
    if sizes is None or len(sizes) <= 8:
        return str(sizes)
    return f"({', '.join(map(str, sizes[:3]))}, ..., {sizes[-1]})"


def shape_text(node: Any) -> str:
    """Return the size of a node's data: its shape, or its columns."""
    structure: Any = structure_json(node)
    if not structure:
        return ""
    if "columns" in structure:
        return counted(len(structure["columns"]), "column")
    if "shape" in structure:
        shape = " x ".join("?" if size is None else str(size) for size in structure["shape"])
        return shape or "scalar"
    return counted(structure["length"], "entry", "entries") if "length" in structure else ""


def structure_json(node: Any) -> dict[str, Any] | None:
    """Return the structure of a node's data as a value of JSON; None without one."""
    structure = node._resource.structure
    return None if structure is None else structure.to_json()


def type_text(node: Any) -> str:
    """Return the data type of a node; empty for those without one."""
    # Attributes of the node itself may be columns, or children that would be fetched.
    dtype = getattr(node._resource.structure, "dtype", None)
    return "" if dtype is None else str(dtype)


def summary_text(node: Any) -> str:
    """Return family, shape and type of a node, as in listings; of a run, what it is."""
    if node.structure_family == StructureFamily.container:
        return joined(str(node.structure_family), node._facts())
    return joined(str(node.structure_family), shape_text(node), type_text(node))
