"""Apply retention rules: delete or archive the nodes that they select."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import NotFound, ServiceError

from ...lifecycle_config import RetentionRule
from ...models import Node
from ...storage.errors import StorageError
from ..nodes.deletion import delete_node
from .archiving import archive_node
from .selection import OpenStreams, Selected, select, subtree


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule does, or did, with a node; `kept` is why it stays, as a phrase."""

    selected: Selected
    action: str
    kept: str | None = None


def prune(
    rule: RetentionRule, open_streams: OpenStreams, archive: Path | None, *, dry_run: bool
) -> Iterator[Outcome]:
    """Apply `rule`, or with `dry_run` say what it would do; iterate over the topmost nodes.

    A subtree with an open stream stays as a whole.
    """
    for selected in select(rule, open_streams):
        if selected.open is not None:
            yield Outcome(selected, rule.action, f"the stream of /{selected.open} is open")
        elif dry_run:
            yield Outcome(selected, rule.action)
        elif rule.action == "archive":
            assert archive is not None
            yield Outcome(selected, rule.action, _archive(selected.node, archive))
        else:
            yield Outcome(selected, rule.action, _delete(selected.node))


def _delete(node: Node) -> str | None:
    try:
        delete_node(path=node.path, recursive=True, external_only=False, expected=node.uuid)
    except NotFound:
        return "it was deleted meanwhile"
    except ServiceError as error:
        return error.detail
    return None


def _archive(node: Node, archive: Path) -> str | None:
    """Archive all nodes of a subtree; return why some could not be, as a phrase."""
    kept: list[str] = []
    inside = subtree(node).exclude(structure_family="container").select_related("data_source")
    for each in inside.order_by("pk"):
        try:
            reason = archive_node(each, archive)
        except (StorageError, OSError) as error:
            reason = str(error)
        if reason is not None:
            kept.append(f"/{each.path}: {reason}")
    return "; ".join(kept) or None
