"""`x.new_data.subscribe()`: the way in that names what one wants to hear of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class StreamEntry(Generic[S]):
    """One of the things that a node's stream is about."""

    subscribe: Callable[..., S]
    """Make a subscription to the node's stream, the same as the node's own `subscribe`."""
