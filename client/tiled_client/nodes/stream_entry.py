"""The attribute syntax of Tiled's client for subscriptions: `x.new_data.subscribe()`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class EventStream(Generic[S]):
    """One kind of event of a node's stream."""

    subscribe: Callable[..., S] = field(repr=False)
    """The node's own `subscribe`: a subscription delivers all kinds of events."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"the events of a node have no {name}: callbacks belong to a subscription, as in "
            "sub = x.subscribe(); sub.new_data.add_callback(print)"
        )
