"""Input and output of a validator.

A validator is a function of a `Candidate`. It raises ValueError, with a sentence for the client,
for a node that violates the spec; it returns None for a valid node, or the metadata to store
instead of those that were sent.
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
    """A child of a container. `structure` is None for a container."""

    key: str
    structure_family: StructureFamily
    structure: Structure | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node about to be stored: a new one, or one whose metadata or specs change.

    `metadata` is a copy that the validator may modify. `children` queries the database; a new
    container has none.
    """

    spec: Spec
    metadata: dict[str, Any]
    structure_family: StructureFamily
    structure: Structure | None
    children: Callable[[], Iterable[Child]]


Validator = Callable[[Candidate], Mapping[str, Any] | None]
