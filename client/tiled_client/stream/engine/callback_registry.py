"""Callbacks for one kind of event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from ...public_surface import PublicSurface

T = TypeVar("T")
C = TypeVar("C", bound=Callable[..., Any])


class CallbackRegistry(PublicSurface, Generic[T]):
    """The callbacks for one kind of event, called in the order in which they were added.

    Callbacks are held by strong references, and can be added and removed at any time: a change
    takes effect with the next event.

    Examples
    --------
    >>> sub = x.subscribe()
    >>> @sub.new_data.add_callback
    ... def show(update):
    ...     print(update.data())
    >>> sub.new_data
    <CallbackRegistry new_data callbacks=1>
    >>> sub.new_data.remove_callback(show)
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # Replaced, never changed: a callback may add or remove others while this is iterated.
        self._callbacks: tuple[Callable[[T], object], ...] = ()

    def add_callback(self, callback: C) -> C:
        """Call `callback` at every event, after those added before.

        Parameters
        ----------
        callback
            A function of one argument, the event; with asyncio also a coroutine function.

        Returns
        -------
        callable
            The callback, so that this is a decorator too: `@sub.new_data.add_callback`.

        Raises
        ------
        TypeError
            If it is not callable.
        """
        if not callable(callback):
            raise TypeError(f"a callback must be callable, not {callback!r}")
        self._callbacks = (*self._callbacks, callback)
        return callback

    def remove_callback(self, callback: Callable[..., Any]) -> None:
        """Stop calling `callback`.

        Parameters
        ----------
        callback
            One that was added; if it was added twice, the first.

        Raises
        ------
        ValueError
            If it was never added.
        """
        remaining = list(self._callbacks)
        if callback not in remaining:
            raise ValueError(f"{callback!r} is not a callback of {self.name}")
        remaining.remove(callback)
        self._callbacks = tuple(remaining)

    def __iter__(self) -> Iterator[Callable[[T], object]]:
        return iter(self._callbacks)

    def __len__(self) -> int:
        return len(self._callbacks)

    def __repr__(self) -> str:
        return f"<CallbackRegistry {self.name} callbacks={len(self)}>"
