"""What a validator is given, and what it may say.

A validator is a function of a `Candidate`. It raises ValueError, with a sentence for the client,
for a node that does not follow the spec; it gives None for one that does, or the metadata to be
stored instead of those that came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tiled_client.wire.specs import Spec
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import Structure


@dataclass(frozen=True, slots=True)
class Child:
    """What a container holds. `structure` is None for a container."""

    key: str
    structure_family: StructureFamily
    structure: Structure | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node as it is about to be stored: a new one, or one whose metadata or specs change.

    `metadata` is a copy, the validator's own. `children` asks the database; a new container has
    none.
    """

    spec: Spec
    metadata: dict[str, Any]
    structure_family: StructureFamily
    structure: Structure | None
    children: Callable[[], Iterable[Child]]


Validator = Callable[[Candidate], Mapping[str, Any] | None]
