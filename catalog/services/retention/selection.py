"""Select nodes by a retention rule, the topmost of each branch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Q, QuerySet
from django.utils import timezone

from ...lifecycle_config import RetentionRule
from ...lookup.nodes import filter_descendants
from ...models import Node, TagPath
from ...queries.specs import with_specs
from ..stores.site import storage

BATCH = 500
OpenStreams = Callable[[Sequence[UUID]], set[UUID]]
"""Returns those of some nodes whose stream a producer has not closed."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A node that a rule selects, with its subtree: `size` in bytes of stored files.

    `open` is the path of a node in it with an open stream; then it must stay.
    """

    node: Node
    nodes: int
    size: int
    changed: datetime
    open: str | None


def select(rule: RetentionRule, open_streams: OpenStreams) -> Iterator[Selected]:
    """Iterate over the topmost nodes that meet all conditions of `rule`.

    The age of a node is the time since the latest change in its subtree: of metadata, or of a
    stored file. A node with an open stream is returned, marked as such.
    """
    cutoff = None
    if rule.older_than is not None:
        cutoff = timezone.now() - timedelta(seconds=rule.older_than)
    chosen: set[str] = set()
    for node in _candidates(rule, cutoff):
        if _is_below(node.path, chosen):
            continue
        found = _measured(node, open_streams)
        if cutoff is not None and found.changed > cutoff:
            continue
        if rule.larger_than is not None and found.size <= rule.larger_than:
            continue
        yield found
        chosen.add(node.path)


def _is_below(path: str, chosen: set[str]) -> bool:
    """Return whether one of the containers above a node was chosen."""
    keys = path.split("/")
    return bool(chosen) and any("/".join(keys[:end]) in chosen for end in range(1, len(keys)))


def _candidates(rule: RetentionRule, cutoff: datetime | None) -> Iterator[Node]:
    """Iterate over the nodes that meet the conditions on rows, each before its descendants."""
    nodes = filter_descendants(Node.objects.all(), "/".join(filter(None, rule.under.split("/"))))
    if cutoff is not None:
        nodes = nodes.filter(time_updated__lte=cutoff)
    if rule.spec is not None:
        nodes = nodes.filter(with_specs([rule.spec], []))
    if rule.tag is not None:
        nodes = nodes.filter(tag_path__in=_paths_with_own(rule.tag))
    # A node has a larger id than its parent. In portions, since nodes are deleted between them.
    last = 0
    while found := list(nodes.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield from found
        last = found[-1].pk


def _paths_with_own(tag: str) -> list[int]:
    rows = TagPath.objects.values_list("pk", "lists")
    return [key for key, lists in rows if lists and tag in lists[-1]]


def _measured(node: Node, open_streams: OpenStreams) -> Selected:
    inside = subtree(node)
    changed = inside.aggregate(latest=Max("time_updated"))["latest"] or node.time_updated
    size, newest, opened = 0, 0.0, None
    for some in _portions(inside.exclude(structure_family="container")):
        streams = open_streams([uuid for uuid, _ in some])
        for uuid, path in some:
            bytes_, time = _disk_usage(uuid)
            size, newest = size + bytes_, max(newest, time)
            if opened is None and uuid in streams:
                opened = path
    latest = datetime.fromtimestamp(newest, tz=changed.tzinfo)
    return Selected(node, inside.count(), size, max(changed, latest), opened)


def subtree(node: Node) -> QuerySet[Node]:
    """Return a node and its descendants."""
    return Node.objects.filter(Q(pk=node.pk)) | filter_descendants(Node.objects.all(), node.path)


def _portions(nodes: QuerySet[Node]) -> Iterator[list[tuple[UUID, str]]]:
    last = 0
    while found := list(
        nodes.filter(pk__gt=last).order_by("pk").values_list("pk", "uuid", "path")[:BATCH]
    ):
        yield [(uuid, path) for _, uuid, path in found]
        last = found[-1][0]


def _disk_usage(node: UUID) -> tuple[int, float]:
    """Return the bytes of a node's stored files, and the time of the latest change."""
    size, newest = 0, 0.0
    for found in storage().sizes(node):
        size, newest = size + found.size, max(newest, found.modified)
    return size, newest
