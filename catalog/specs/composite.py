"""The spec `composite`: a container whose arrays and columns share one namespace.

Source: docs/reference/tiled-protocol/http.md, "`POST V/metadata/{path}`", built-in spec validator,
and "Container export and composites".
"""

from __future__ import annotations

from collections.abc import Iterator

from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import TableStructure

from .candidates import Candidate, Child


def check_composite(candidate: Candidate) -> None:
    """Raise ValueError unless all keys and table columns in the container are distinct."""
    if candidate.structure_family is not StructureFamily.container:
        raise ValueError(
            f"A composite is a container, not of family {candidate.structure_family.value}."
        )
    taken: set[str] = set()
    for child in candidate.children():
        if child.structure_family is StructureFamily.container:
            raise ValueError(
                f"Nested containers are not allowed in a composite container: {child.key!r} is one."
            )
        for name in _names(child):
            if name in taken:
                raise ValueError(
                    f"The keys and columns of a composite must differ from each other: {name!r}."
                )
            taken.add(name)


def _names(child: Child) -> Iterator[str]:
    if isinstance(child.structure, TableStructure):
        yield from child.structure.columns
    else:
        yield child.key
