"""Going through updates in a loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from ..engine.subscription_state import Delivery
from ..protocol.notices import Ended
from ..updates import Update
from .inbox import Inbox

if TYPE_CHECKING:
    from .subscription import Subscription

U = TypeVar("U", bound=Update, covariant=True)


class Updates(Iterator[U], Generic[U]):
    """The updates of a subscription, one after another; begun as soon as it is made.

    It ends when the producer closes the stream, and raises what ended it otherwise. Leaving the
    loop early disconnects; so does the end of a `with` block, at a time that is certain.

        >>> with x.updates(start=0) as updates:
        ...     first = next(updates)
        >>> first.data()
        array([1, 2, 3])
    """

    def __init__(
        self, subscription: Subscription[U], inbox: Inbox[Delivery], finish: Callable[[], None]
    ) -> None:
        self.subscription = subscription
        self._inbox = iter(inbox)
        self._finish = finish

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> U:
        for delivery in self._inbox:
            event: Any = delivery.event
            if delivery.state.stopped and not isinstance(event, Ended):
                continue
            self.subscription.perform(event)
            if isinstance(event, Update):
                return cast("U", event)
            if isinstance(event, Ended):
                break
        self._finish()
        self.subscription.wait(0)
        raise StopIteration

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
