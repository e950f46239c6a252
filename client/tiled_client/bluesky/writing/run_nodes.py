"""What the parts of a run's writer know of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ...wire.specs import Spec


class StreamNode(NamedTuple):
    """The container of a stream: its name, its writer, and the metadata it was created with."""

    name: str
    node: Any
    metadata: Mapping[str, Any]


class RunNodes(Protocol):
    """A run: its data keys, notes for its metadata, and how nodes are created in it."""

    notes: list[str]
    data_keys: dict[str, Mapping[str, Any]]

    def create(
        self,
        parent: Any,
        key: str,
        structure: Any = None,
        *,
        metadata: Mapping[str, Any] | None = None,
        specs: Sequence[Spec] = (),
    ) -> Any:
        """Create a node with the access tags of the run, and return its writer."""

    def stream_of(self, descriptor: str) -> StreamNode:
        """Return the stream of a descriptor. Raises RuntimeError if it was not received."""
