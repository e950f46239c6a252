"""Verify stored arrays, and their chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...models import DataSource
from ..stores.damages import ArrayDamage
from ..stores.site import storage
from .problems import Problem, ProblemKind, Suspect

Index = tuple[int, ...]


def verify_array(source: DataSource, *, quick: bool) -> Iterator[Suspect]:
    """Yield what is wrong with the data of an array, and with each chunk of its shape."""
    for damage in storage().find_damages(source, quick=quick):
        again = _again(source.pk, damage.chunk, quick=quick)
        yield Suspect(_problem(source, damage), again)


def _again(key: int, index: Index | None, *, quick: bool) -> Callable[[], Problem | None]:
    def look() -> Problem | None:
        source = DataSource.objects.select_related("node").filter(pk=key).first()
        if source is None:
            return None
        # Damage of the whole array comes first.
        damage = next(storage().find_damages(source, quick=quick, only=index), None)
        if damage is None or (index is None and damage.chunk is not None):
            return None
        return _problem(source, damage)

    return look


def _problem(source: DataSource, damage: ArrayDamage) -> Problem:
    kind = ProblemKind(damage.kind)
    return Problem(kind, damage.detail, source.node.path, source.node.uuid.hex, damage.place)
