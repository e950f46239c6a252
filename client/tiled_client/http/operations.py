"""Operations: methods that are written once, for the blocking client and for the one of asyncio.

An operation is a coroutine. It says what to request and how to decode the response, and awaits the
requests of a `RequestClient`, whose `Transport` does the I/O. Below the blocking client nothing
that an operation awaits suspends it, so that `run` gets the result by one `send`, without an event
loop; below the asyncio client, the event loop runs it.

    class NodeOperations:
        @operation
        async def refresh(self) -> None: ...

    class Node(Blocking, NodeOperations): ...        # node.refresh()
    class AsyncNode(Asynchronous, NodeOperations): ...    # await node.refresh()

An operation is not called by another: each calls private coroutines, which are the same for both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import update_wrapper, wraps
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
S = TypeVar("S")

Steps = Coroutine[Any, Any, T]


class Blocking:
    """Marks a class whose operations block, and return their result."""


class Asynchronous:
    """Marks a class whose operations are coroutine functions."""


class OperationMethod(Generic[P, R]):
    """The descriptor of an operation; made by `operation`."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[R]]) -> None:
        update_wrapper(self, steps)  # type: ignore[arg-type]
        self.steps = steps
        self._blocking = _blocking(steps)

    @overload
    def __get__(self, instance: Blocking, owner: Any) -> Callable[P, R]: ...
    @overload
    def __get__(self, instance: Asynchronous, owner: Any) -> Callable[P, Steps[R]]: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> Callable[..., Any]: ...

    def __get__(self, instance: Any, owner: Any) -> Callable[..., Any]:
        function: Any = self.steps if issubclass(owner, Asynchronous) else self._blocking
        return function if instance is None else function.__get__(instance, owner)  # type: ignore[no-any-return]


def operation(steps: Callable[Concatenate[S, P], Steps[R]]) -> OperationMethod[P, R]:
    """Make a coroutine function an operation, which blocks in classes marked as `Blocking`."""
    return OperationMethod(steps)


def run(steps: Steps[T]) -> T:
    """Return the result of a coroutine that never suspends, because its transport blocks."""
    try:
        steps.send(None)
    except StopIteration as finished:
        result: T = finished.value
        return result
    steps.close()
    raise RuntimeError("an operation of the blocking client awaited an event loop")


def iterate(items: AsyncIterator[T]) -> Iterator[T]:
    """Yield the items of an asynchronous iterator whose transport blocks."""
    while True:
        try:
            item = run(_next(items))
        except StopAsyncIteration:
            return
        yield item


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)


def _blocking(steps: Callable[Concatenate[Any, P], Steps[R]]) -> Callable[Concatenate[Any, P], R]:
    @wraps(steps)
    def call(self: Any, *args: P.args, **kwargs: P.kwargs) -> R:
        return run(steps(self, *args, **kwargs))

    return call
