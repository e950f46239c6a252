"""Cancellation tokens: how the work of a request learns that its client has disconnected.

The HTTP layer creates one token per request and cancels it, from the event loop, when the client
is gone or a deadline has passed. Code that runs for long asks `current()` for the token and either
polls `cancelled` or `raise_if_cancelled()`, or registers a callback that interrupts a blocking
call, such as a database statement:

    with current().on_cancel(interrupt_statement):
        run_statement()

A callback runs in a separate thread and may block. Once the registration is closed the callback
is not running and never runs again, so that it cannot interrupt a later statement.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from .errors import Unavailable

logger = logging.getLogger(__name__)

Callback = Callable[[], None]
Result = TypeVar("Result")


class Cancelled(Unavailable):
    """The request was cancelled: its client has disconnected, or its deadline has passed."""


class Registration:
    """A callback that is registered with a token until `close`; also a context manager."""

    def __init__(self, token: CancellationToken, callback: Callback) -> None:
        self._token = token
        self.callback = callback

    def close(self) -> None:
        """Unregister the callback; wait for it to return if it is running."""
        self._token._remove(self)

    def __enter__(self) -> Registration:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class CancellationToken:
    """The cancellation state of one request. Safe to use from any thread."""

    def __init__(self) -> None:
        # Reentrant, because a callback may close its own registration.
        self._lock = threading.RLock()
        self._registrations: list[Registration] = []
        self.reason: str | None = None

    @property
    def cancelled(self) -> bool:
        """Whether the request was cancelled."""
        return self.reason is not None

    def raise_if_cancelled(self) -> None:
        """Raise Cancelled if the request was cancelled."""
        if self.reason is not None:
            raise Cancelled(self.reason)

    def on_cancel(self, callback: Callback) -> Registration:
        """Register `callback`; call it at once if the request is cancelled already."""
        registration = Registration(self, callback)
        with self._lock:
            if self.reason is None:
                self._registrations.append(registration)
                return registration
        callback()
        return registration

    def cancel(self, reason: str = "The client has disconnected.") -> None:
        """Cancel the request; do nothing if it was cancelled before. Does not block."""
        if self.reason is not None:
            return
        self.reason = reason
        # Read without the lock, which a callback may hold for long: `on_cancel` appends only
        # after it has seen, under the lock, that there was no reason; `_call` takes the lock too.
        threading.Thread(target=self._call, name="cancellation", daemon=True).start()

    def _call(self) -> None:
        with self._lock:
            while self._registrations:
                callback = self._registrations.pop().callback
                try:
                    callback()
                except Exception:
                    logger.exception("A cancellation callback failed")

    def _remove(self, registration: Registration) -> None:
        with self._lock:
            if registration in self._registrations:
                self._registrations.remove(registration)


class _Never(CancellationToken):
    """The token of work that belongs to no request, such as a management command."""

    def on_cancel(self, callback: Callback) -> Registration:
        return Registration(self, callback)

    def cancel(self, reason: str = "") -> None:
        raise RuntimeError("There is no request to cancel.")


NEVER: CancellationToken = _Never()

_current: ContextVar[CancellationToken] = ContextVar("cancellation", default=NEVER)


def current() -> CancellationToken:
    """Return the token of the request that this thread works on; one never cancelled outside."""
    return _current.get()


def call(token: CancellationToken, function: Callable[..., Result], *arguments: Any) -> Result:
    """Return `function(*arguments)`, called with `token` as the current token of this thread.

    Raises Cancelled if it was cancelled before.
    """
    token.raise_if_cancelled()
    previous = _current.set(token)
    try:
        return function(*arguments)
    finally:
        _current.reset(previous)
