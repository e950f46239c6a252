"""What is held for all clients together is bounded, and no address holds all of it."""

from __future__ import annotations

import pytest

from core.budgets import Budget, Exhausted, Reservation
from core.errors import Unavailable


def test_one_growing_reservation_of_an_address_may_take_the_whole_budget() -> None:
    budget = Budget(100, setting="budgets.temporary_bytes", what="bytes")
    with Reservation(budget, "a") as large, Reservation(budget, "a") as another:
        large.by(40)
        large.to(90)
        with pytest.raises(Exhausted, match="for this address"):
            another.by(1)
        large.to(30)
        another.by(20)
        for one in (large, another):
            with pytest.raises(Exhausted):
                one.by(1)
        assert budget.used == 50
    assert (budget.used, dict(budget._by_address)) == (0, {})


def test_an_address_holds_half_of_a_budget_at_most_unless_at_once() -> None:
    budget = Budget(100, setting="budgets.answer_bytes", what="bytes")
    budget.acquire(30, "a")
    budget.acquire(20, "a")
    for amount, address in ((1, "a"), (51, "b"), (51, "")):
        with pytest.raises(Unavailable, match=r"budgets\.answer_bytes"):
            budget.acquire(amount, address)
    with budget.held(50, "b"), pytest.raises(Unavailable):
        budget.acquire(1, "c")
    budget.acquire(50)
    budget.release(50)
    budget.release(20, "a")
    budget.acquire(20, "a")
    budget.release(50, "a")
    with budget.held(100, "a"):
        pass
    assert (budget.used, dict(budget._by_address)) == (0, {})
