"""A random sample of imported nodes of each kind, for the verification."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .conversion import PlannedNode

Kind = tuple[str, str]


@dataclass(slots=True)
class Samples:
    """Up to `size` nodes of each family and media type, each with the same probability."""

    size: int
    random: random.Random = field(default_factory=random.Random)
    _seen: Counter[Kind] = field(default_factory=Counter)
    _kept: dict[Kind, list[PlannedNode]] = field(default_factory=dict)

    def add(self, node: PlannedNode) -> None:
        """Offer a node to the sample (reservoir sampling)."""
        source = node.source.sources[0] if node.source.sources else None
        kind = node.source.family, (source.mimetype or "") if source else ""
        self._seen[kind] += 1
        kept = self._kept.setdefault(kind, [])
        if len(kept) < self.size:
            kept.append(node)
        elif (place := self.random.randrange(self._seen[kind])) < self.size:
            kept[place] = node

    def __iter__(self) -> Iterator[PlannedNode]:
        for kept in self._kept.values():
            yield from kept
