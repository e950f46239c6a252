"""The representation of a node in notebooks: HTML without scripts, of bounded size and time."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

from ...http.operations import Asynchronous, run
from ...uris import path_text
from ...wire.structure_family import StructureFamily
from .brief import HTML_SECONDS, briefly
from .markup import DIM, Markup, block, dim, folded, join, tag, text_block
from .texts import clipped, counted, joined, reason, shape_text, summary_text, type_text
from .tree import Branch

logger = logging.getLogger("tiled_client")

MAX_BYTES = 100_000
MAX_METADATA, MAX_KEY, MAX_SHOWN_PATH = 6000, 60, 200
# Children that are listed of the container itself and of those in it, and requests in all.
FIRST, BELOW, REQUESTS = 25, 8, 10
SIZES = ("B", "kB", "MB", "GB", "TB")


def node_html(node: Any) -> str:
    """Return the HTML of a node; its text, if anything fails. Never raises."""
    try:
        shown = tag("div", *_parts(node), style="line-height: 1.4")
        if len(shown.encode()) <= MAX_BYTES:
            return shown
    except Exception:
        logger.debug("No HTML of %s", path_text(node.path), exc_info=True)
    return tag("pre", node._text(node._facts()))


def _parts(node: Any) -> Iterator[Markup]:
    yield block(
        tag("b", type(node).__name__),
        " ",
        tag("code", clipped(path_text(node.path), MAX_SHOWN_PATH)),
        " ",
        dim(", ".join(_facts(node))),
    )
    if not isinstance(node, Asynchronous):
        try:
            yield block(briefly(node, _preview, HTML_SECONDS))
        except Exception as error:  # noqa: BLE001 - the rest is known
            yield block(dim(f"No preview: {reason(error)}"))
    if node.metadata:
        yield folded(f"Metadata ({len(node.metadata)})", text_block(_metadata_text(node)))


def _facts(node: Any) -> Iterator[str]:
    if node.structure_family != StructureFamily.container:
        yield joined(shape_text(node), type_text(node)) or str(node.structure_family)
    elif facts := node._facts():
        yield facts
    if node.structure_family == StructureFamily.array:
        yield _size_text(node.nbytes)
    dims = getattr(node._resource.structure, "dims", None)
    if dims:
        yield clipped(f"dims {', '.join(dims)}", MAX_SHOWN_PATH)
    if node.specs:
        yield clipped(f"specs {', '.join(spec.name for spec in node.specs)}", MAX_SHOWN_PATH)


def _preview(node: Any) -> Markup:
    """Return what the data look like, by requests."""
    from .array_previews import array_preview
    from .table_previews import items_preview, table_preview

    match node.structure_family:
        case StructureFamily.container:
            return _tree(node)
        case StructureFamily.array:
            return array_preview(node)
        case StructureFamily.table:
            return table_preview(node)
        case StructureFamily.ragged:
            return items_preview(node, "ragged/full", node.structure.rows)
        case StructureFamily.awkward:
            return items_preview(node, "awkward/full", node.structure.length)
    return join()


def _tree(container: Any) -> Markup:
    """Return the entries as a list, in which containers can be unfolded."""
    documents, count = run(container.children(FIRST))
    root = Branch(container, [Branch(container.child(each)) for each in documents])
    assert root.children is not None
    root.more = count - len(root.children)
    below = [each for each in root.children if _is_container(each.node)]
    for branch in below[: REQUESTS - 1]:
        documents, inner = run(branch.node.children(BELOW))
        branch.children = [Branch(branch.node.child(each)) for each in documents]
        branch.more = inner - len(branch.children)
    noun = ("result", None) if container._queries else ("entry", "entries")
    return join(dim(counted(count, *noun)), _list(root))


def _list(branch: Branch) -> Markup:
    items = [_item(child) for child in branch.children or ()]
    if branch.more:
        items.append(tag("li", f"... {branch.more:,} more", style=DIM))
    return tag("ul", *items, style="list-style: none; margin: 0; padding-left: 1.4em")


def _item(branch: Branch) -> Markup:
    title = join(clipped(branch.node.key, MAX_KEY), " ", dim(summary_text(branch.node)))
    if branch.children is None:
        return tag("li", title)
    count = len(branch.children) + branch.more
    entries = dim(f", {counted(count, 'entry', 'entries')}")
    return tag("li", folded(join(title, entries), _list(branch)))


def _is_container(node: Any) -> bool:
    return bool(node.structure_family == StructureFamily.container)


def _metadata_text(node: Any) -> str:
    text = json.dumps(node.metadata, indent=2, ensure_ascii=False, default=str)
    return clipped(text, MAX_METADATA)


def _size_text(count: float) -> str:
    for unit in SIZES[:-1]:
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} {SIZES[-1]}"
