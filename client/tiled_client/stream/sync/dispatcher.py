"""A connection, and whoever calls the callbacks of what is heard over it."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext

from ..engine.multiplexed import MultiConversation
from ..engine.subscription_state import Delivery, Listening
from ..engine.websocket_options import expect_begun
from ..protocol.notices import Ended
from .receiver import Receiver


class Line:
    """What one or several subscriptions share: a thread that receives, and one that handles."""

    ends_with_its_own = False

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        self.handler: threading.Thread | None = None
        self.listening: list[Listening] = []

    @property
    def in_handler(self) -> bool:
        """Whether this is the thread that calls the callbacks."""
        return self.handler is threading.current_thread()

    def pump(self) -> None:
        """Handle what is heard, on this thread, until there is no more."""
        self.handler = threading.current_thread()
        try:
            for delivery in self.receiver.inbox:
                self._hand_out(delivery)
                if self.ends_with_its_own and not self.listening:
                    break
        finally:
            self.finish()

    def pump_in_thread(self) -> None:
        """Handle what is heard on a thread of its own."""
        self.handler = threading.Thread(target=self.pump, name="tiled-callbacks", daemon=True)
        self.handler.start()

    def finish(self) -> None:
        """No more is handled: say so to those who do not know."""
        self.receiver.stop()
        for listening in list(self.listening):
            listening.owner.handle(Delivery(listening, listening.end(None)))

    def _hand_out(self, delivery: Delivery) -> None:
        """Give something to the subscription that it is for, unless it wants no more."""
        listening, over = delivery.listening, isinstance(delivery.event, Ended)
        if over and listening in self.listening:
            self.listening.remove(listening)
        if over or not listening.stopped:
            listening.owner.handle(delivery)


class OwnLine(Line):
    """The line of a subscription that has its own connection."""

    ends_with_its_own = True

    def admit(self, listening: Listening, settled: threading.Event, timeout: float) -> None:
        """Connect, and wait until it has begun. Raises what stood against it until then."""
        self.listening.append(listening)
        self.receiver.start()
        settled.wait(timeout)
        expect_begun(listening, self.receiver.failure, timeout)

    def leave(self, listening: Listening) -> None:
        """Close the connection."""
        listening.stop()
        self.receiver.stop()


class SharedLine(Line):
    """The line of a connection for several nodes."""

    def __init__(self, receiver: Receiver, conversation: MultiConversation) -> None:
        super().__init__(receiver)
        self._conversation = conversation

    def admit(self, listening: Listening, settled: threading.Event, timeout: float) -> None:
        """Subscribe, and wait until it has begun. Raises what stood against it until then."""
        self.listening.append(listening)
        # In a callback there is nobody who would make room for what comes before the answer.
        room: AbstractContextManager[None] = (
            self.receiver.inbox.without_limit() if self.in_handler else nullcontext()
        )
        with room:
            self.receiver.tell(lambda: self._conversation.add(listening))
            settled.wait(timeout)
        expect_begun(listening, self.receiver.failure, timeout)

    def leave(self, listening: Listening) -> None:
        """Unsubscribe."""
        listening.stop()
        if listening in self.listening:
            self.listening.remove(listening)
        if not self.receiver.over:
            self.receiver.tell(lambda: self._conversation.remove(listening))
        self.receiver.inbox.put_first(Delivery(listening, listening.end(None)))
