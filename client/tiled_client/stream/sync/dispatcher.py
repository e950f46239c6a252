"""A connection, and whoever calls the callbacks of what is received over it."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

from ..engine.multiplexed import MultiplexedProtocol
from ..engine.subscription_state import Delivery, SubscriptionState
from ..engine.websocket_options import require_started
from ..protocol.notices import Ended
from .receiver import Receiver


class Dispatcher:
    """What one or several subscriptions share: a thread that receives, and one that handles."""

    stops_when_empty = False

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.handler: threading.Thread | None = None
        self.states: list[SubscriptionState] = []

    @property
    def in_handler(self) -> bool:
        """Whether this is the thread that calls the callbacks."""
        return self.handler is threading.current_thread()

    def run(self) -> None:
        """Handle what is received, on this thread, until there is no more."""
        self.handler = threading.current_thread()
        try:
            for delivery in self.receiver.inbox:
                self._dispatch(delivery)
                if self.stops_when_empty and not self.states:
                    break
        finally:
            self.finish()

    def run_in_thread(self) -> None:
        """Handle what is received on a thread of its own."""
        self.handler = threading.Thread(target=self.run, name="tiled-callbacks", daemon=True)
        self.handler.start()

    def finish(self) -> None:
        """No more is handled: say so to those who do not know."""
        self.receiver.stop()
        for state in list(self.states):
            state.owner.handle(Delivery(state, state.end(None)))

    def _dispatch(self, delivery: Delivery) -> None:
        """Give something to the subscription that it is for, unless it wants no more."""
        state, over = delivery.state, isinstance(delivery.event, Ended)
        if over and state in self.states:
            self.states.remove(state)
        if over or not state.stopped:
            state.owner.handle(delivery)


class DedicatedDispatcher(Dispatcher):
    """The dispatcher of a subscription that has its own connection."""

    stops_when_empty = True

    def subscribe(self, state: SubscriptionState, ready: threading.Event, timeout: float) -> None:
        """Connect, and wait until it has begun. Raises what stood against it until then."""
        self.states.append(state)
        self.receiver.start()
        ready.wait(timeout)
        require_started(state, self.receiver.failure, timeout)

    def unsubscribe(self, state: SubscriptionState) -> None:
        """Close the connection."""
        state.stop()
        self.receiver.stop()


class SharedDispatcher(Dispatcher):
    """The dispatcher of a connection for several nodes."""

    def __init__(self, receiver: Receiver, conversation: MultiplexedProtocol) -> None:
        super().__init__(receiver)
        self._conversation = conversation

    def subscribe(self, state: SubscriptionState, ready: threading.Event, timeout: float) -> None:
        """Subscribe, and wait until it has begun. Raises what stood against it until then."""
        self.states.append(state)
        # In a callback there is nobody who would make room for what comes before the answer.
        room: AbstractContextManager[None] = (
            self.receiver.inbox.without_limit() if self.in_handler else nullcontext()
        )
        with room:
            self.receiver.tell(lambda: self._conversation.add(state))
            ready.wait(timeout)
        require_started(state, self.receiver.failure, timeout)

    def unsubscribe(self, state: SubscriptionState) -> None:
        """Unsubscribe."""
        state.stop()
        if state in self.states:
            self.states.remove(state)
        if not self.receiver.over:
            self.receiver.tell(lambda: self._conversation.remove(state))
        self.receiver.inbox.put_first(Delivery(state, state.end(None)))
