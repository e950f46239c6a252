"""What is held for all clients together is bounded, and no address holds all of it."""

from __future__ import annotations

import pytest

from access.budgets import Budget
from access.errors import Unavailable


def test_an_address_holds_half_of_a_budget_at_most_unless_at_once() -> None:
    budget = Budget(100, setting="budgets.answer_bytes", what="bytes")
    budget.take(30, "a")
    budget.take(20, "a")
    for amount, address in ((1, "a"), (51, "b"), (51, "")):
        with pytest.raises(Unavailable, match=r"budgets\.answer_bytes"):
            budget.take(amount, address)
    with budget.held(50, "b"), pytest.raises(Unavailable):
        budget.take(1, "c")
    budget.take(50)
    budget.give_back(50)
    budget.give_back(20, "a")
    budget.take(20, "a")
    budget.give_back(50, "a")
    with budget.held(100, "a"):
        pass
    assert (budget.taken, dict(budget._by_address)) == (0, {})
