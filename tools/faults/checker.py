"""The verdict: what was acknowledged against what is stored and what was streamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from .load import APPENDED, Operation
from .subscriber import Subscriber


def problems(
    operations: Sequence[Operation],
    stored: Mapping[str, Sequence[int]],
    subscribers: Sequence[Subscriber],
) -> list[str]:
    """Return a sentence for each promise that was broken; nothing if all were kept."""
    found = [problem for subscriber in subscribers for problem in subscriber.problems]
    for name, held in stored.items():
        own = [operation for operation in operations if operation.name == name]
        found += _of_storage(name, own, held)
        for subscriber in subscribers:
            if subscriber.path.endswith(f"/{name}"):
                found += _of_stream(name, own, held, subscriber)
    return found


def _of_storage(name: str, own: Sequence[Operation], held: Sequence[int]) -> list[str]:
    found = []
    count = Counter(held)
    if name in APPENDED:
        acknowledged = [operation.number for operation in own if operation.acknowledged]
        found += [f"{name}: {n} is not stored" for n in acknowledged if n not in count]
        found += [f"{name}: {n} is stored {c} times" for n, c in count.items() if c > 1]
    elif len(held) > 1:
        found.append(f"{name}: parts of several writes are stored")
    possible = {operation.number for operation in own if operation.acknowledged is not False}
    found += [f"{name}: {n} is stored, but was refused" for n in count if n not in possible | {0}]
    return found


def _of_stream(
    name: str, own: Sequence[Operation], held: Sequence[int], subscriber: Subscriber
) -> list[str]:
    found = []
    count = Counter(subscriber.updates)
    found += [f"{name}: {n} was streamed {c} times" for n, c in count.items() if c > 1]
    if not subscriber.told:
        # Otherwise the subscriber knows that it has missed some.
        acknowledged = [operation.number for operation in own if operation.acknowledged]
        found += [f"{name}: {n} was not streamed" for n in acknowledged if n not in count]
        if name in APPENDED:
            found += [f"{name}: {n} is stored, not streamed" for n in held if n not in count]
    place = {number: index for index, number in enumerate(held)}
    order = [place[number] for number in subscriber.updates if number in place]
    if name in APPENDED and order != sorted(order):
        found.append(f"{name}: streamed in another order than stored")
    if name not in APPENDED and not subscriber.told and subscriber.updates[-1:] != list(held):
        found.append(f"{name}: the last update is not what is stored")
    return found
