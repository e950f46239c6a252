"""The attribute syntax of Tiled's client for subscriptions: `x.new_data.subscribe()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class EventStream(Generic[S]):
    """One kind of event of a node's stream."""

    subscribe: Callable[..., S]
    """The node's own `subscribe`: a subscription delivers all kinds of events."""
