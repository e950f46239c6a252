"""Subscriptions: what a user holds, and who is called."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from ..errors import TiledClientError
from ..settings import StreamOptions
from ..uris import stream_url
from .position import Position
from .protocol import Envelope, Map, Schema
from .receiver import Receiver
from .registry import Registry
from .updates import (
    ArrayReference,
    ArrayUpdate,
    ChildCreated,
    ChildMetadataUpdated,
    TableUpdate,
    Update,
    parse_update,
)

if TYPE_CHECKING:
    from ..nodes import Node

logger = logging.getLogger("tiled_client.stream")

DataUpdate = ArrayUpdate | ArrayReference | TableUpdate


@dataclass(frozen=True, slots=True)
class CallbackFailure:
    """A callback raised. `argument` is what it was called with."""

    callback: Callable[..., object]
    argument: Any
    exception: Exception


class Subscription:
    """A subscription to one node.

    Add callbacks, then `start()` (which blocks) or `start_in_thread()`. Callbacks are called one
    after another on one thread: for each update in order, those of a registry in the order in which
    they were added. A lost connection is made anew by itself, and continues after the last update
    received; no update is handed out twice.

    Registries, besides those that say what is new (`new_data`; `child_created` and
    `child_metadata_updated`):

    - `stream_closed`: the producer says that no more is to be expected. Called with the
      subscription.
    - `disconnected`: it is over, for whatever reason; the last call of all. Called with the
      subscription, whose `closed` and `error` tell why.
    - `callback_error`: a callback raised. Called with a `CallbackFailure`; it is logged as well,
      and the stream goes on.

    Options are those of `StreamOptions`. A subscription is started once; make another to go on.
    """

    def __init__(self, node: Node, **options: Any) -> None:
        unknown = set(options) - {option.name for option in fields(StreamOptions)}
        if unknown:
            raise TypeError(f"there is no option {unknown.pop()!r} of a subscription")
        self.node = node
        self.stream_closed: Registry[Self] = Registry("stream_closed")
        self.disconnected: Registry[Self] = Registry("disconnected")
        self.callback_error: Registry[CallbackFailure] = Registry("callback_error")
        self._options = StreamOptions(**options)
        self._lock = threading.Lock()
        self._receiver: Receiver | None = None
        self._handler: threading.Thread | None = None
        self._finished = threading.Event()
        self._closed = False
        self._error: TiledClientError | None = None

    @property
    def closed(self) -> bool:
        """Whether the producer closed the stream; True once all updates have been handled."""
        return self._closed

    @property
    def error(self) -> TiledClientError | None:
        """What ended the subscription, if it was neither the producer nor `disconnect()`."""
        return self._error

    def start(self, start: int | None = None, *, timeout: float = 15.0) -> None:
        """Handle updates on this thread until the stream is closed or disconnected.

        `start` and `timeout` are as for `start_in_thread`. Raises what ended the subscription.
        """
        receiver = self._begin(start, timeout)
        self._handle(receiver)
        if self._error is not None:
            raise self._error

    def start_in_thread(self, start: int | None = None, *, timeout: float = 15.0) -> Self:
        """Handle updates on a thread of their own; returns when the stream has begun.

        `start` is a sequence number to begin with, 0 for the oldest that the server retains, or
        None for what comes from now on. Raises NodeNotFound, Unauthorized and the like at once, and
        whatever else prevents it after `timeout` seconds.
        """
        receiver = self._begin(start, timeout)
        threading.Thread(
            target=self._handle, args=(receiver,), name="tiled-callbacks", daemon=True
        ).start()
        return self

    def disconnect(self, timeout: float = 10.0) -> None:
        """Stop. What was received and not yet handled is dropped.

        A callback that is running is waited for, up to `timeout` seconds. Called from inside a
        callback it returns at once, and no update after the one in hand is handled.
        """
        with self._lock:
            receiver = self._receiver
            if receiver is None:
                self._finished.set()
                return
        receiver.stop()
        if self._handler is not threading.current_thread():
            self._finished.wait(timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over; False if that takes longer. Raises what ended the subscription."""
        if not self._finished.wait(timeout):
            return False
        if self._error is not None:
            raise self._error
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.node!r}>"

    def _begin(self, start: int | None, timeout: float) -> Receiver:
        position = Position(start)
        with self._lock:
            if self._receiver is not None or self._finished.is_set():
                raise RuntimeError("a subscription can be started once; subscribe() makes another")
            receiver = self._receiver = Receiver(
                self._url, self.node.credentials, position, self._parse, self._options
            )
        try:
            receiver.start(timeout)
        except BaseException as error:
            receiver.stop()
            self._error = error if isinstance(error, TiledClientError) else None
            self._finish()
            raise
        return receiver

    def _url(self, query: dict[str, str]) -> str:
        return stream_url(
            self.node.api_root, self.node.path, {"envelope_format": "msgpack", **query}
        )

    def _parse(self, message: Map, envelope: Envelope, schema: Schema) -> Update | None:
        return parse_update(message, envelope, schema, self)

    def _handle(self, receiver: Receiver) -> None:
        self._handler = threading.current_thread()
        try:
            for update in receiver.inbox:
                registry: Registry[Any] | None = getattr(self, update.topic, None)
                self._call(registry or (), update)
            self._error = receiver.error
            self._closed = receiver.ended and not receiver.stopped
            if self._closed:
                self._call(self.stream_closed, self)
        finally:
            receiver.stop()
            self._finish()

    def _finish(self) -> None:
        self._call(self.disconnected, self)
        self._finished.set()

    def _call(self, callbacks: Any, argument: Any) -> None:
        for callback in callbacks:
            try:
                callback(argument)
            except Exception as error:
                logger.exception("A callback failed: %r", callback)
                self._report(CallbackFailure(callback, argument, error))

    def _report(self, failure: CallbackFailure) -> None:
        for callback in self.callback_error:
            try:
                callback(failure)
            except Exception:
                logger.exception("A callback for failed callbacks failed: %r", callback)


class ContainerSubscription(Subscription):
    """A subscription to a container: its new children, and changes of their metadata."""

    def __init__(self, node: Node, **options: Any) -> None:
        super().__init__(node, **options)
        self.child_created: Registry[ChildCreated] = Registry("child_created")
        self.child_metadata_updated: Registry[ChildMetadataUpdated] = Registry(
            "child_metadata_updated"
        )


class DataSubscription(Subscription):
    """A subscription to an array or a table: what is written to it."""

    def __init__(self, node: Node, **options: Any) -> None:
        super().__init__(node, **options)
        self.new_data: Registry[DataUpdate] = Registry("new_data")
