"""Quotas: limits of the stored bytes and nodes of a subtree, or of a principal.

Counting takes a query over all nodes of the scope, so each process does so once in a while
(`quotas.refresh`), and adds its own writes in between. A write costs a look into a dictionary for
each container above it; without quotas, it costs nothing.

Arrays count by their shape, whether or not all chunks were written; tables, sparse, ragged and
awkward arrays by the bytes of their files. External files do not count.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet, Sum

from core.errors import QuotaExceeded, ServiceError, TooLarge
from core.text import format_count, format_size
from tiled_client.wire.errors import WireError
from tiled_client.wire.structures import ArrayStructure

from ..lifecycle_config import PrincipalQuota, QuotaSettings, SubtreeQuota
from ..lookup.nodes import filter_descendants
from ..models import DataSource, DataSourceAsset, Node

BATCH = 1000
Quota = SubtreeQuota | PrincipalQuota


@dataclass(frozen=True, slots=True)
class QuotaScope:
    """The nodes that a quota is about: below a path, or created by a principal."""

    quota: Quota
    path: str = ""
    creator: UUID | None = None

    def nodes(self) -> QuerySet[Node]:
        """Return the nodes that count."""
        if self.creator is not None:
            return Node.objects.filter(creator=self.creator)
        return filter_descendants(Node.objects.all(), self.path)

    def __str__(self) -> str:
        return f"the user or service {self.creator}" if self.creator else f"/{self.path}"


@dataclass(slots=True)
class Usage:
    """The amounts of a scope as counted, and what this process has added since."""

    bytes: int = 0
    nodes: int = 0
    counted: float = -math.inf
    lock: threading.Lock = field(default_factory=threading.Lock)


class Quotas:
    """The quotas of a site, and their use as far as this process knows."""

    def __init__(self, configured: QuotaSettings) -> None:
        self._subtrees = {
            "/".join(filter(None, quota.path.split("/"))): quota for quota in configured.subtrees
        }
        self._principal = configured.principal
        self._refresh = configured.refresh
        self._usage: dict[tuple[str, UUID | None], Usage] = {}
        self._has_principal = (self._principal.bytes, self._principal.nodes) != (None, None)
        self.active = bool(self._subtrees) or self._has_principal

    def charge(self, path: str, creator: UUID | None, *, size: int = 0, nodes: int = 0) -> None:
        """Count `size` bytes and `nodes` more for the node at `path`.

        Raises TooLarge if the bytes exceed a quota alone, QuotaExceeded if they exceed what
        is left of it.
        """
        if not self.active:
            return
        used = [(scope, self._known(scope)) for scope in self._scopes(path, creator)]
        for scope, usage in used:
            _check(scope, usage, size, nodes)
        for _, usage in used:
            # Without the lock: a lost addition is found by the next count.
            usage.bytes += size
            usage.nodes += nodes

    def _scopes(self, path: str, creator: UUID | None) -> Iterator[QuotaScope]:
        if self._has_principal and creator is not None:
            yield QuotaScope(self._principal, creator=creator)
        if not self._subtrees:
            return
        end = len(path)
        while (end := path.rfind("/", 0, end)) >= 0:
            if (quota := self._subtrees.get(path[:end])) is not None:
                yield QuotaScope(quota, path=path[:end])
        if (quota := self._subtrees.get("")) is not None:
            yield QuotaScope(quota)

    def _known(self, scope: QuotaScope) -> Usage:
        usage = self._usage.setdefault((scope.path, scope.creator), Usage())
        if time.monotonic() - usage.counted < self._refresh:
            return usage
        # The first count is awaited by all; later ones by one request, while others use the last.
        if usage.lock.acquire(blocking=usage.counted == -math.inf):
            try:
                if time.monotonic() - usage.counted >= self._refresh:
                    usage.bytes, usage.nodes = count_usage(scope.nodes())
                    usage.counted = time.monotonic()
            finally:
                usage.lock.release()
        return usage


def count_usage(nodes: QuerySet[Node]) -> tuple[int, int]:
    """Return the stored bytes, and the number, of `nodes`."""
    own = ~Q(management="external")
    sources = DataSource.objects.filter(own, node__in=nodes)
    _measure_arrays(sources)
    arrays = sources.aggregate(total=Sum("nbytes"))["total"] or 0
    links = DataSourceAsset.objects.filter(data_source__in=sources)
    files = links.aggregate(total=Sum("asset__size"))["total"] or 0
    return arrays + files, nodes.count()


def _measure_arrays(sources: QuerySet[DataSource]) -> None:
    """Fill in the size of arrays that servers of earlier versions have created."""
    unknown = sources.filter(structure_family="array", nbytes=None).select_related("node")
    while found := list(unknown[:BATCH]):
        for source in found:
            source.nbytes = array_bytes(source)
        DataSource.objects.bulk_update(found, ["nbytes"])


def array_bytes(source: DataSource) -> int:
    """Return the bytes of an array by its shape; 0 if its structure cannot be read."""
    try:
        structure = source.node.structure
    except WireError:
        return 0
    return structure.nbytes if isinstance(structure, ArrayStructure) else 0


def _check(scope: QuotaScope, usage: Usage, size: int, nodes: int) -> None:
    most, most_nodes = scope.quota.bytes, scope.quota.nodes
    if size and most is not None and usage.bytes + size > most:
        raise _bytes_exceeded(scope, usage, size, most)
    if nodes and most_nodes is not None and usage.nodes + nodes > most_nodes:
        raise QuotaExceeded(
            f"The quota of {scope} is {format_count(most_nodes, 'node')}, of which {usage.nodes} "
            "are used. Delete nodes, or ask an administrator for a larger quota.",
            code="quota_exceeded",
        )


def _bytes_exceeded(scope: QuotaScope, usage: Usage, size: int, most: int) -> ServiceError:
    kind = TooLarge if size > most else QuotaExceeded
    return kind(
        f"The quota of {scope} is {format_size(most)}, of which {format_size(usage.bytes)} are "
        f"used; this request needs {format_size(size)}. Delete data, or ask an administrator for a "
        "larger quota.",
        code="quota_exceeded",
    )


_current: tuple[QuotaSettings, Quotas] | None = None


def quotas() -> Quotas:
    """Return the quotas of this site."""
    global _current
    configured, known = settings.TILED.quotas, _current
    # By identity: hashing settings would take longer than the rest.
    if known is None or known[0] is not configured:
        _current = known = (configured, Quotas(configured))
    return known[1]
