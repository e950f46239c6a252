"""Verify all nodes, or those below one, in bounded memory, while servers write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from django.db.models import QuerySet

from ...locks.node_locks import LockTimeout, node_lock
from ...lookup.nodes import filter_descendants
from ...models import Asset, DataSource, DataSourceAsset, Node
from ...storage.errors import StorageError
from ..cleanup import remove_orphaned_files
from ..stores.known_nodes import MIN_AGE_SECONDS
from .arrays import verify_array
from .files import count_rows, verify_files
from .leftovers import move_orphan, verify_leftovers
from .problems import Problem, ProblemKind, Suspect

BATCH = 200


class Verification:
    """A pass over the nodes at `path` and below. `nodes` is the number of nodes so far.

    With `quick`, sizes and row counts are compared, but chunks and rows are not read.
    """

    def __init__(self, path: str = "", *, quick: bool = False) -> None:
        self.nodes = 0
        self._path = path
        self._quick = quick

    def problems(self) -> Iterator[Problem]:
        """Iterate over the problems. Each is confirmed under the lock of its node."""
        for node in self._below(Node.objects.filter(data_source__isnull=True)).exclude(
            structure_family="container"
        ):
            yield Problem(
                ProblemKind.NO_SOURCE,
                f"{node} is of family {node.structure_family}, and has no data source",
                node.path,
                node.uuid.hex,
            )
        for source in self._sources():
            self.nodes += 1
            is_array = source.structure_family == "array" and not source.external
            verify = verify_array if is_array else verify_files
            for suspect in verify(source, quick=self._quick):
                if (problem := _confirmed(source, suspect)) is not None:
                    yield problem
        if not self._path:
            yield from verify_leftovers(min_age=MIN_AGE_SECONDS)

    def _below(self, nodes: QuerySet[Node]) -> QuerySet[Node]:
        if not self._path:
            return nodes
        return nodes.filter(path=self._path) | filter_descendants(nodes, self._path)

    def _sources(self) -> Iterator[DataSource]:
        """Iterate over the data sources, in portions: a long transaction would hinder VACUUM."""
        last = 0
        nodes = self._below(Node.objects.all())
        while True:
            sources = DataSource.objects.filter(pk__gt=last).exclude(structure_family="container")
            if self._path:
                sources = sources.filter(node__in=nodes)
            found = list(
                sources.select_related("node")
                .prefetch_related("asset_links")
                .order_by("pk")[:BATCH]
            )
            if not found:
                return
            yield from found
            last = found[-1].pk


def repair(problem: Problem) -> str | None:
    """Repair what can be repaired; return what was done as a phrase, or None.

    Nothing that a write in progress may still need is removed: see `cleanup`. Files of no row are
    removed together, by `repair_leftovers`.
    """
    if problem.kind is ProblemKind.NO_NODE:
        moved = move_orphan(problem, min_age=MIN_AGE_SECONDS)
        return f"moved to {moved}" if moved else None
    if problem.kind is ProblemKind.WRONG_ROWS:
        return _count_again(problem)
    return None


def repair_leftovers() -> int:
    """Remove files of no row that are old enough, as the cleanup does; return their number."""
    return remove_orphaned_files(min_age=MIN_AGE_SECONDS)


def _confirmed(source: DataSource, suspect: Suspect) -> Problem | None:
    """Look again while no write is in progress. A node that is locked for long stays suspect."""
    try:
        with node_lock(source.node.path):
            return suspect.again()
    except LockTimeout:
        return suspect.problem


def _count_again(problem: Problem) -> str | None:
    counted = 0
    with suppress(StorageError), node_lock(problem.path):
        links = DataSourceAsset.objects.select_related("data_source__node")
        for link in links.filter(data_source__node__uuid=problem.node):
            rows = count_rows(link.data_source, link)
            same = Asset.objects.filter(pk=link.asset_id, size=link.asset.size)
            counted += same.update(rows=rows, rows_size=link.asset.size)
    return f"counted the rows of {counted} partitions" if counted else None
