"""The newest content of a node: made on the threads of its stream, taken by the one that draws.

A display never waits for a stream, nor a stream for a display: `take` returns the newest content,
or None if that was taken before. What newer content has replaced in between is counted.
"""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

from ...errors import NotSupported, TiledClientError
from ...stream.sync.subscription import DataSubscription
from ...stream.updates import DataUpdate
from ..status import LiveState, LiveStatus

logger = logging.getLogger("tiled_client.live")

STATES: dict[str, LiveState] = {
    "new": "connecting",
    "connecting": "connecting",
    "live": "live",
    "reconnecting": "reconnecting",
    "closed": "ended",
}


class Content(Protocol):
    """What a feed offers. `sequence` is that of the update whose data replaced all before."""

    @property
    def sequence(self) -> int | None:
        """None for content that has the data of several updates."""


C = TypeVar("C", bound=Content)


class LiveFeed(ABC, Generic[C]):
    """The newest content of a node. Listeners are called on other threads when it changes.

    After `start` a thread of the subscription calls `_on_update`, which changes the content under
    `_lock` and calls `_offer`. `_received` is the number of the newest update; `_taken` that of the
    newest one whose content was taken or counted.
    """

    def __init__(self, node: Any) -> None:
        self.node = node
        self._lock = threading.RLock()
        self._sub: DataSubscription | None = None
        self._listeners: list[Callable[[], None]] = []
        self._fresh = self._closed = False
        self._received: int | None = None
        self._taken: int | None = None
        self._shown = self._skipped = 0
        self._problem: str | None = None
        # False for a server that has no options of subscriptions, such as Tiled's.
        self._has_options = True

    @abstractmethod
    def start(self) -> None:
        """Subscribe, and read the stored data. Raises TiledClientError."""

    @abstractmethod
    def peek(self) -> C | None:
        """Return the newest content, whether or not it was taken."""

    @abstractmethod
    def _on_update(self, update: DataUpdate) -> None:
        """Change the content; called on the thread of the subscription."""

    def add_listener(self, listener: Callable[[], None]) -> None:
        """Have a function called, on any thread, when there is new content or another state."""
        self._listeners.append(listener)

    def take(self) -> C | None:
        """Return the newest content, or None if it was taken before."""
        with self._lock:
            if not self._fresh:
                return None
            self._fresh = False
            content = self.peek()
            self._shown += 1
            if content is not None and content.sequence is not None:
                self._skipped += max(0, content.sequence - (self._taken or content.sequence) - 1)
            self._taken = self._received
            return content

    @property
    def has_fresh(self) -> bool:
        """Return whether there is content that was not taken."""
        return self._fresh

    @property
    def status(self) -> LiveStatus:
        """The state now."""
        sub, error = self._sub, self._problem
        state = STATES[sub.state] if sub is not None else "connecting"
        if self._closed:
            state = "ended"
        if state == "ended" and sub is not None and sub.error is not None:
            error = str(sub.error)
        return LiveStatus(state, self._received, self._shown, self._skipped, error)

    @property
    def is_over(self) -> bool:
        """Return whether nothing new will come, and all was taken."""
        return self.status.state == "ended" and not self._fresh

    def close(self) -> None:
        """End the subscription."""
        self._closed = True
        if self._sub is not None:
            self._sub.disconnect()

    def _subscribe(self, start: Any, **options: Any) -> None:
        """Subscribe again, with options if the server has them; then end the old subscription."""
        old = self._sub
        try:
            if self._has_options:
                self._start(start, options)
        except NotSupported:
            # It does not start with the newest update, either.
            self._has_options = False
        if not self._has_options:
            self._start(None, {})
        if old is not None:
            old.disconnect()

    def _start(self, start: Any, options: dict[str, Any]) -> None:
        sub = self.node.subscribe(**options)
        sub.new_data.add_callback(self._receive)
        sub.reset.add_callback(self._restart_count)
        for registry in (sub.connection_lost, sub.connection_restored, sub.disconnected):
            registry.add_callback(lambda _: self._notify())
        before, self._sub = self._sub, sub
        try:
            sub.start_in_thread(start)
        except BaseException:
            self._sub = before
            raise

    def _receive(self, update: DataUpdate) -> None:
        if update.subscription is not self._sub or self._closed:
            return
        self._received = update.sequence
        self._guard(lambda: self._on_update(update))

    def _restart_count(self, _: object) -> None:
        with self._lock:
            self._received = self._taken = None

    def _guard(self, action: Callable[[], None]) -> None:
        """Show an error of a request in the status until a later request succeeds."""
        try:
            action()
        except TiledClientError as error:
            logger.debug("Live plot of %r: %s", self.node, error)
            self._problem = str(error)
        else:
            self._problem = None
        # Never under the lock: a listener may hold its own lock, and take the content under that.
        self._notify()

    def _offer(self) -> None:
        """Mark the content as new; called under the lock."""
        self._fresh = True

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()
