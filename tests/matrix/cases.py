"""The cases of the matrix, by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from . import arrays, dtypes, forms, nested, tables
from .columns import columns
from .operations import Matrix, Outcome

FULL = bool(os.environ.get("MATRIX"))
"""Whether each type is tested within each other one (`make matrix`)."""

AT_ONCE = 60
"""How many cases are tested in one fork."""

Group = Callable[[Matrix, Mapping[str, Any]], None]


def groups() -> dict[str, tuple[Group, dict[str, Any]]]:
    """Return the function and the cases of each group, by its name."""
    return dict(_groups())


def run(name: str, case: str | None = None) -> list[Outcome]:
    """Run all cases of a group, or one; return the outcome of each operation."""
    do, builders = groups()[name]
    matrix = Matrix(name if case is None else f"{name} {case}")
    do(matrix, builders if case is None else {case: builders[case]})
    return matrix.outcomes


def _groups() -> Iterator[tuple[str, tuple[Group, dict[str, Any]]]]:
    yield from _parts("arrow", tables.run, columns(full=FULL))
    yield from _parts("dtype", arrays.run, dtypes.arrays())
    yield from _parts("awkward", nested.run_awkward, forms.forms())
    yield from _parts("ragged", nested.run_ragged, nested.ragged_cases())


def _parts(
    family: str, do: Group, builders: dict[str, Any]
) -> Iterator[tuple[str, tuple[Group, dict[str, Any]]]]:
    names = list(builders)
    for number, start in enumerate(range(0, len(names), AT_ONCE)):
        part = {name: builders[name] for name in names[start : start + AT_ONCE]}
        yield f"{family}-{number}", (do, part)
