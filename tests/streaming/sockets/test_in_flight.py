"""The budget of large messages that were sent and not yet read."""

from __future__ import annotations

import asyncio

import pytest

from streaming.sockets.messages import in_flight
from streaming.sockets.messages.in_flight import MIN_COUNTED_BYTES, InFlightBudget, InFlightShare

LARGE = bytes(2 * MIN_COUNTED_BYTES)


def message() -> bytes:
    return bytes([1]) * len(LARGE)


async def test_a_message_for_many_connections_counts_once_until_all_have_read_it() -> None:
    budget, shared = InFlightBudget(limit=3 * len(LARGE)), message()
    shares = [InFlightShare(None) for _ in range(50)]
    for share in shares:
        await budget.reserve(share, [shared])
    assert budget.used == len(LARGE)
    for share in shares[1:]:
        budget.release(share)
    assert budget.used == len(LARGE)
    budget.release(shares[0])
    budget.release(shares[0])
    assert budget.used == 0


async def test_a_share_that_is_released_lets_a_waiting_one_proceed() -> None:
    budget, first, second = (
        InFlightBudget(limit=len(LARGE)),
        InFlightShare(None),
        InFlightShare(None),
    )
    await budget.reserve(first, [message()])
    waiting = asyncio.create_task(budget.reserve(second, [message()]))
    await asyncio.sleep(0)
    assert not waiting.done()
    budget.release(first)
    await asyncio.wait_for(waiting, 2)
    assert budget.used == len(LARGE)


async def test_the_connection_unread_for_longest_is_aborted_for_a_waiting_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(in_flight, "STALL_TIMEOUT_SECONDS", 0.1)
    aborted: list[str] = []
    budget = InFlightBudget(limit=2 * len(LARGE))
    for name in ("oldest", "newer"):
        await budget.reserve(InFlightShare(lambda name=name: aborted.append(name)), [message()])
    await asyncio.wait_for(budget.reserve(InFlightShare(None), [message()]), 5)
    assert aborted == ["oldest"]
