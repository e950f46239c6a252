"""Iterator over the updates of a subscription."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, Protocol, Self, TypeVar, cast

from ..engine.subscription_state import Delivery
from ..protocol.notices import Ended
from ..updates import Update
from .inbox import Inbox

U = TypeVar("U", bound=Update, covariant=True)


class Iterated(Protocol):
    """The subscription of an iterator."""

    def perform(self, event: Any) -> None:
        """Call the callbacks of an event."""

    def wait(self, timeout: float | None = None) -> bool:
        """Raise the error that ended the subscription, if any."""

    def disconnect(self, timeout: float = 10.0) -> None:
        """End the subscription."""


class Updates(Iterator[U], Generic[U]):
    """An iterator over the updates of a subscription, which has started.

    It ends when the producer closes the stream, and raises any other error that ended it. Leaving
    the loop early disconnects when the iterator is collected; the end of a `with` block does so at
    once.

    Examples
    --------
    >>> with x.updates(start=0) as updates:
    ...     first = next(updates)
    >>> first.data()
    array([1, 2, 3])
    """

    def __init__(
        self, subscription: Iterated, inbox: Inbox[Delivery], finish: Callable[[], None]
    ) -> None:
        self.subscription: Any = subscription
        self._inbox = iter(inbox)
        self._finish = finish

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> U:
        for delivery in self._inbox:
            event: Any = delivery.event
            if delivery.state.cancelled and not isinstance(event, Ended):
                continue
            self.subscription.perform(event)
            if isinstance(event, Update):
                return cast("U", event)
            if isinstance(event, Ended):
                break
        self._finish()
        self.subscription.wait(0)
        raise StopIteration

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.subscription!r}>"

    def close(self) -> None:
        """Disconnect."""
        self.subscription.disconnect(0)
        self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()
