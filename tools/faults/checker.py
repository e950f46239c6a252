"""The verdict: acknowledged writes compared with stored data and streamed updates."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from .nodes import NOTHING, RULES, Held, Rule
from .problems import Problem, Trouble
from .subscriber import Subscriber, Update
from .writers import Operation


def problems(
    operations: Sequence[Operation], stored: Mapping[str, Held], subscribers: Sequence[Subscriber]
) -> list[Problem]:
    """Return each promise that was broken; nothing if all were kept."""
    found = [problem for subscriber in subscribers for problem in subscriber.problems]
    deleted = {one.place for one in operations if one.number < 0 and one.acknowledged is not False}
    for name, held in stored.items():
        # Of the data of a child that was deleted, nothing is promised.
        gone = deleted if name == "inside" else set()
        own = [one for one in operations if one.name == name and one.place not in gone]
        held = [one for one in held if one[0] not in gone]
        if not any(operation.last and operation.acknowledged for operation in own):
            problem = Problem(Trouble.OTHER, "no write was acknowledged after the faults")
            found.append(problem.about(name))
        found += [problem.about(name) for problem in _of_storage(RULES[name], own, held)]
        for one in subscribers:
            if name in one.names:
                told = bool(one.told[name])
                updates = [update for update in one.updates[name] if update.place not in gone]
                streamed = _of_stream(RULES[name], own, held, updates, told)
                found += [problem.about(name, f" ({one.kind.value})") for problem in streamed]
    return found


def _of_storage(rule: Rule, own: Sequence[Operation], held: Held) -> Iterator[Problem]:
    if rule is Rule.APPENDED:
        yield from _of_rows(own, held)
    elif rule is Rule.REPLACED:
        yield from _of_places(own, dict(held))
    elif any(number != NOTHING for _, number in held):
        yield Problem(Trouble.PHANTOM, f"{held[0][1]} is stored")
    possible = _possible(own)
    for _, number in held:
        if number not in possible:
            yield Problem(Trouble.PHANTOM, f"{number} is stored, but was not written")


def _of_rows(own: Sequence[Operation], held: Held) -> Iterator[Problem]:
    count = Counter(number for _, number in held)
    for number in _acknowledged(own):
        if number not in count:
            yield Problem(Trouble.LOST, f"{number} is not stored")
    for number, times in count.items():
        if times > 1:
            yield Problem(Trouble.DUPLICATED, f"{number} is stored {times} times")


def _of_places(own: Sequence[Operation], held: Mapping[str, int]) -> Iterator[Problem]:
    """Look for operations that the same writer has replaced, on places of one writer or many."""
    by_place = defaultdict(list)
    for operation in own:
        by_place[operation.place].append(operation)
    for place, operations in by_place.items():
        number = held.get(place, NOTHING)
        deleted = any(one.number < 0 and one.acknowledged is not False for one in operations)
        numbers = _acknowledged(operations)
        if number == NOTHING and numbers and not deleted:
            yield Problem(Trouble.LOST, f"{numbers[-1]} is not stored at {place!r}")
        if number in numbers:
            writer = next(one.writer for one in operations if one.number == number)
            mine = [one for one in operations if one.writer == writer and one.acknowledged]
            if (last := mine[-1].number) != number:
                text = f"{number} is stored at {place!r}, but {last} came later"
                yield Problem(Trouble.LOST, text)


def _of_stream(
    rule: Rule, own: Sequence[Operation], held: Held, updates: Sequence[Update], told: bool
) -> Iterator[Problem]:
    # Once the numbering has started again, the server cannot know what had been streamed before.
    count = Counter((update.epoch, update.number) for update in updates)
    for (_, number), times in count.items():
        if times > 1:
            yield Problem(Trouble.DUPLICATED, f"{number} was streamed {times} times")
    streamed = {update.number for update in updates}
    for number in streamed - _possible(own):
        yield Problem(Trouble.PHANTOM, f"{number} was streamed, but not written")
    # Otherwise the subscriber knows that it has missed some.
    needed = [one for one in own if one.last or not told]
    for number in _acknowledged(needed):
        if number not in streamed:
            yield Problem(Trouble.LOST, f"{number} was not streamed")
    yield from _of_order(own, updates)
    if rule is Rule.APPENDED:
        yield from _of_appended([number for _, number in held], updates, told)
    elif rule is Rule.REPLACED and not told:
        final = {update.place: update.number for update in updates}
        left = {place: number for place, number in final.items() if number > NOTHING}
        if left != {place: number for place, number in held if number != NOTHING}:
            text = "the last updates differ from the stored data"
            yield Problem(Trouble.REORDERED, text)


def _of_appended(stored: Sequence[int], updates: Sequence[Update], told: bool) -> Iterator[Problem]:
    """Compare the rows that are stored, in their order, with the updates."""
    streamed = {update.number for update in updates}
    for number in stored:
        if not told and number not in streamed:
            yield Problem(Trouble.LOST, f"{number} is stored, not streamed")
    place = {number: index for index, number in enumerate(stored)}
    for number in streamed - place.keys():
        yield Problem(Trouble.PHANTOM, f"{number} was streamed, not stored")
    order = [place[update.number] for update in updates if update.number in place]
    if order != sorted(order):
        yield Problem(Trouble.REORDERED, "streamed in another order than stored")


def _of_order(own: Sequence[Operation], updates: Sequence[Update]) -> Iterator[Problem]:
    """Look whether acknowledged operations of one writer come in the order of the writer."""
    turn = {one.number: index for index, one in enumerate(own) if one.acknowledged}
    writer = {one.number: one.writer for one in own}
    latest: dict[tuple[str, int], int] = {}
    for update in updates:
        if update.number not in turn:
            continue
        key = update.epoch, writer[update.number]
        if turn[update.number] < latest.get(key, -1):
            text = f"{update.number} was streamed later than a later write"
            yield Problem(Trouble.REORDERED, text)
        latest[key] = turn[update.number]


def _acknowledged(operations: Sequence[Operation]) -> list[int]:
    return [operation.number for operation in operations if operation.acknowledged]


def _possible(operations: Sequence[Operation]) -> set[int]:
    return {NOTHING} | {one.number for one in operations if one.acknowledged is not False}
