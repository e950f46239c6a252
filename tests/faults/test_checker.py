"""The checker of `tools/faults` sees each kind of broken promise."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tools.faults.checker import problems
from tools.faults.nodes import MIXED
from tools.faults.problems import Problem
from tools.faults.subscriber import Subscriber, Update
from tools.faults.writers import Operation

# Operations of two writers: each number is acknowledged, except for what the case says.
FIRST, SECOND, OTHER, LAST = 1_000_001, 1_000_002, 2_000_001, 1_000_003
Places = Sequence[tuple[str, int]]


def at(*numbers: int) -> Places:
    return [("", number) for number in numbers]


def verdict(
    name: str,
    held: Places,
    streamed: Places,
    *,
    unknown: Sequence[int] = (),
    refused: Sequence[int] = (),
    told: bool = False,
    places: dict[int, str] | None = None,
) -> list[Problem]:
    """Return what the checker says of FIRST, OTHER, SECOND and LAST on a node."""
    operations = [
        Operation(
            name,
            number,
            None if number in unknown else number not in refused,
            (places or {}).get(number, ""),
            number == LAST,
        )
        for number in (places or (FIRST, OTHER, SECOND, LAST))
    ]
    subscriber = Subscriber([], "", "", [name])
    subscriber.updates[name] = [Update(number, place, "e") for place, number in streamed]
    subscriber.told[name] = int(told)
    return problems(operations, {name: held}, [subscriber])


ALL = at(FIRST, OTHER, SECOND, LAST)
CHILD = {1_000_003: "c1000003", -1_000_003: "c1000003"}


@pytest.mark.parametrize("name", ["rows", "table", "lists"])
def test_all_is_well_if_all_is_stored_and_streamed_in_one_order(name: str) -> None:
    assert verdict(name, ALL, ALL) == []
    assert verdict(name, ALL, at(LAST), told=True) == []
    assert verdict(name, at(FIRST, SECOND, LAST), at(FIRST, SECOND, LAST), unknown=[OTHER]) == []


@pytest.mark.parametrize(
    ("held", "streamed", "more", "sentence"),
    [
        (at(OTHER, SECOND, LAST), ALL, {}, f"{FIRST} is not stored"),
        (at(FIRST, FIRST, OTHER, SECOND, LAST), ALL, {}, f"{FIRST} is stored 2 times"),
        (ALL, ALL, {"refused": [OTHER]}, f"{OTHER} is stored, but was not written"),
        (at(FIRST, SECOND, LAST), ALL, {"refused": [OTHER]}, f"{OTHER} was streamed, but not"),
        (at(*[n for _, n in ALL], MIXED), ALL, {}, f"{MIXED} is stored, but was not written"),
        (ALL, at(FIRST, OTHER, LAST), {}, f"{SECOND} was not streamed"),
        (ALL, at(FIRST, OTHER), {"told": True}, f"{LAST} was not streamed"),
        (ALL, at(FIRST, SECOND, LAST), {"unknown": [OTHER]}, f"{OTHER} is stored, not streamed"),
        (at(FIRST, SECOND, LAST), ALL, {"unknown": [OTHER]}, f"{OTHER} was streamed, not stored"),
        (ALL, at(FIRST, OTHER, FIRST, SECOND, LAST), {}, f"{FIRST} was streamed 2 times"),
        (ALL, at(OTHER, FIRST, SECOND, LAST), {}, "in another order than stored"),
        (at(SECOND, FIRST, OTHER, LAST), at(SECOND, FIRST, OTHER, LAST), {}, "was streamed later"),
        (ALL, ALL, {"unknown": [LAST]}, "no write was acknowledged after the faults"),
    ],
)
def test_of_appended(
    held: Places, streamed: Places, more: dict[str, object], sentence: str
) -> None:
    found = verdict("rows", held, streamed, **more)  # type: ignore[arg-type]
    assert any(sentence in problem.text for problem in found), found


def test_of_overwritten() -> None:
    assert verdict("counts", at(LAST), ALL) == []
    assert verdict("counts", at(OTHER), at(FIRST, SECOND, LAST, OTHER)) == []
    assert "but 1000003 came later" in str(verdict("counts", at(FIRST), ALL))
    assert "differ from the stored data" in str(verdict("counts", at(OTHER), ALL))
    assert "-1 is stored" in str(verdict("counts", at(MIXED), ALL))


def test_of_passed_on() -> None:
    assert verdict("live", at(0), ALL) == []
    assert f"{LAST} is stored" in str(verdict("live", at(LAST), ALL))


def test_of_children() -> None:
    made = [("c1000003", LAST)]
    gone = [*made, ("c1000003", -LAST)]
    created = {LAST: "c1000003"}
    assert verdict("children", made, made, places=created) == []
    assert verdict("children", [], gone, places=CHILD) == []
    assert "is not stored" in str(verdict("children", [], made, places=created))
    assert "came later" in str(verdict("children", made, gone, places=CHILD))
    assert f"-{LAST} was not streamed" in str(verdict("children", [], made, places=CHILD))
