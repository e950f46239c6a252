"""Dispatch the events of a connection to its subscriptions, on one thread."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

from ..engine.multiplexed import MultiplexedProtocol
from ..engine.subscription_state import Delivery, SubscriptionState
from ..engine.websocket_options import require_started
from ..protocol.notices import Ended
from .driver import ThreadDriver


class Dispatcher:
    """A thread that receives and one that dispatches, for one or several subscriptions."""

    stops_when_empty = False

    def __init__(self, driver: ThreadDriver) -> None:
        self.driver = driver
        self.handler: threading.Thread | None = None
        self.states: list[SubscriptionState] = []

    @property
    def in_handler(self) -> bool:
        """True in the thread that calls the callbacks."""
        return self.handler is threading.current_thread()

    def run(self) -> None:
        """Dispatch events on this thread until the end."""
        self.handler = threading.current_thread()
        try:
            for delivery in self.driver.inbox:
                self._dispatch(delivery)
                if self.stops_when_empty and not self.states:
                    break
        finally:
            self.finish()

    def run_in_thread(self) -> None:
        """Dispatch events on a separate thread."""
        self.handler = threading.Thread(target=self.run, name="tiled-callbacks", daemon=True)
        self.handler.start()

    def finish(self) -> None:
        """Stop receiving, and end the subscriptions that have not ended."""
        self.driver.stop()
        for state in list(self.states):
            state.owner.handle(Delivery(state, state.end(None)))

    def _dispatch(self, delivery: Delivery) -> None:
        """Hand an event to its subscription, unless that was cancelled."""
        state, over = delivery.state, isinstance(delivery.event, Ended)
        if over and state in self.states:
            self.states.remove(state)
        if over or not state.cancelled:
            state.owner.handle(delivery)


class DedicatedDispatcher(Dispatcher):
    """The dispatcher of a subscription that has its own connection."""

    stops_when_empty = True

    def subscribe(self, state: SubscriptionState, ready: threading.Event, timeout: float) -> None:
        """Connect, and wait for the start. Raises the error that prevented it."""
        self.states.append(state)
        self.driver.start()
        ready.wait(timeout)
        require_started(state, self.driver.engine.failure, timeout)

    def unsubscribe(self, state: SubscriptionState) -> None:
        """Close the connection."""
        state.cancel()
        self.driver.stop()


class SharedDispatcher(Dispatcher):
    """The dispatcher of a connection for several nodes."""

    def __init__(self, driver: ThreadDriver, protocol: MultiplexedProtocol) -> None:
        super().__init__(driver)
        self._protocol = protocol

    def subscribe(self, state: SubscriptionState, ready: threading.Event, timeout: float) -> None:
        """Subscribe, and wait for the start. Raises the error that prevented it."""
        self.states.append(state)
        # Called in a callback, this blocks the thread that empties the inbox: the answer would
        # never arrive behind updates that the inbox has no room for.
        limit: AbstractContextManager[None] = (
            self.driver.inbox.without_limit() if self.in_handler else nullcontext()
        )
        with limit:
            self.driver.send(lambda: self._protocol.subscribe(state))
            ready.wait(timeout)
        require_started(state, self.driver.engine.failure, timeout)

    def unsubscribe(self, state: SubscriptionState) -> None:
        """Unsubscribe; the connection stays open for the others."""
        state.cancel()
        if state in self.states:
            self.states.remove(state)
        if not self.driver.engine.over:
            self.driver.send(lambda: self._protocol.unsubscribe(state))
        self.driver.inbox.put_first(Delivery(state, state.end(None)))
