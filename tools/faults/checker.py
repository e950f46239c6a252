"""The verdict: acknowledged writes compared with stored data and streamed updates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from .load import Held
from .nodes import NOTHING, RULES, Rule
from .subscriber import Subscriber, Update
from .writers import Operation


def problems(
    operations: Sequence[Operation], stored: Mapping[str, Held], subscribers: Sequence[Subscriber]
) -> list[str]:
    """Return a sentence for each promise that was broken; nothing if all were kept."""
    found = [problem for subscriber in subscribers for problem in subscriber.problems]
    deleted = {one.place for one in operations if one.number < 0 and one.acknowledged is not False}
    for name, held in stored.items():
        # Of the data of a child that was deleted, nothing is promised.
        gone = deleted if name == "inside" else set()
        own = [one for one in operations if one.name == name and one.place not in gone]
        held = [one for one in held if one[0] not in gone]
        if not any(operation.last and operation.acknowledged for operation in own):
            found.append(f"{name}: no write was acknowledged after the faults")
        found += [f"{name}: {problem}" for problem in _of_storage(RULES[name], own, held)]
        for one in subscribers:
            if name in one.names:
                told = bool(one.told[name])
                updates = [update for update in one.updates[name] if update.place not in gone]
                streamed = _of_stream(RULES[name], own, held, updates, told)
                found += [f"{name}: {problem} ({one.kind.value})" for problem in streamed]
    return found


def _of_storage(rule: Rule, own: Sequence[Operation], held: Held) -> Iterator[str]:
    match rule:
        case Rule.APPENDED:
            count = Counter(number for _, number in held)
            yield from (f"{n} is not stored" for n in _acknowledged(own) if n not in count)
            yield from (f"{n} is stored {c} times" for n, c in count.items() if c > 1)
        case Rule.REPLACED:
            yield from _of_places(own, dict(held))
        case Rule.PASSED_ON:
            yield from (f"{n} is stored" for _, n in held if n != NOTHING)
    possible = _possible(own)
    yield from (f"{n} is stored, but was not written" for _, n in held if n not in possible)


def _of_places(own: Sequence[Operation], held: Mapping[str, int]) -> Iterator[str]:
    """Look for operations that the same writer has replaced, on places of one writer or many."""
    by_place = defaultdict(list)
    for operation in own:
        by_place[operation.place].append(operation)
    for place, operations in by_place.items():
        number = held.get(place, NOTHING)
        deleted = any(one.number < 0 and one.acknowledged is not False for one in operations)
        numbers = _acknowledged(operations)
        if number == NOTHING and numbers and not deleted:
            yield f"{numbers[-1]} is not stored at {place!r}"
        if number in numbers:
            writer = next(one.writer for one in operations if one.number == number)
            mine = [one for one in operations if one.writer == writer and one.acknowledged]
            if mine[-1].number != number:
                yield f"{number} is stored at {place!r}, but {mine[-1].number} came later"


def _of_stream(
    rule: Rule, own: Sequence[Operation], held: Held, updates: Sequence[Update], told: bool
) -> Iterator[str]:
    # Once the numbering has started again, the server cannot know what had been streamed before.
    count = Counter((update.epoch, update.number) for update in updates)
    yield from (f"{n} was streamed {c} times" for (_, n), c in count.items() if c > 1)
    streamed = {update.number for update in updates}
    possible = _possible(own)
    yield from (f"{n} was streamed, but not written" for n in streamed - possible)
    # Otherwise the subscriber knows that it has missed some.
    needed = [one for one in own if one.last or not told]
    yield from (f"{n} was not streamed" for n in _acknowledged(needed) if n not in streamed)
    yield from _of_order(own, updates)
    if rule is Rule.APPENDED:
        numbers = [number for _, number in held]
        if not told:
            yield from (f"{n} is stored, not streamed" for n in numbers if n not in streamed)
        place = {number: index for index, number in enumerate(numbers)}
        order = [place[update.number] for update in updates if update.number in place]
        if order != sorted(order):
            yield "streamed in another order than stored"
    elif rule is Rule.REPLACED and not told:
        final = {update.place: update.number for update in updates}
        left = {place: number for place, number in final.items() if number > NOTHING}
        if left != {place: number for place, number in held if number != NOTHING}:
            yield "the last updates differ from the stored data"


def _of_order(own: Sequence[Operation], updates: Sequence[Update]) -> Iterator[str]:
    """Look whether acknowledged operations of one writer come in the order of the writer."""
    turn = {one.number: index for index, one in enumerate(own) if one.acknowledged}
    writer = {one.number: one.writer for one in own}
    latest: dict[tuple[str, int], int] = {}
    for update in updates:
        if update.number not in turn:
            continue
        key = update.epoch, writer[update.number]
        if turn[update.number] < latest.get(key, -1):
            yield f"{update.number} was streamed later than a later write"
        latest[key] = turn[update.number]


def _acknowledged(operations: Sequence[Operation]) -> list[int]:
    return [operation.number for operation in operations if operation.acknowledged]


def _possible(operations: Sequence[Operation]) -> set[int]:
    return {NOTHING} | {one.number for one in operations if one.acknowledged is not False}
