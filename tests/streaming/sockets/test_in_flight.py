"""What large messages cost that were sent and are not read."""

from __future__ import annotations

import asyncio

import pytest

from streaming.sockets.messages import in_flight
from streaming.sockets.messages.in_flight import COUNTED_BYTES, Holder, InFlight

LARGE = bytes(2 * COUNTED_BYTES)


def message() -> bytes:
    return bytes([1]) * len(LARGE)


async def test_a_message_for_many_counts_once_until_the_last_has_read_it() -> None:
    flight, shared = InFlight(limit=3 * len(LARGE)), message()
    holders = [Holder(None) for _ in range(50)]
    for holder in holders:
        await flight.take(holder, [shared])
    assert flight.used == len(LARGE)
    for holder in holders[1:]:
        flight.release(holder)
    assert flight.used == len(LARGE)
    flight.release(holders[0])
    flight.release(holders[0])
    assert flight.used == 0


async def test_who_reads_makes_room_for_who_waits() -> None:
    flight, first, second = InFlight(limit=len(LARGE)), Holder(None), Holder(None)
    await flight.take(first, [message()])
    waiting = asyncio.create_task(flight.take(second, [message()]))
    await asyncio.sleep(0)
    assert not waiting.done()
    flight.release(first)
    await asyncio.wait_for(waiting, 2)
    assert flight.used == len(LARGE)


async def test_who_has_not_read_for_longest_is_disconnected_for_who_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(in_flight, "PATIENCE_SECONDS", 0.1)
    aborted: list[str] = []
    flight = InFlight(limit=2 * len(LARGE))
    for name in ("oldest", "newer"):
        await flight.take(Holder(lambda name=name: aborted.append(name)), [message()])
    await asyncio.wait_for(flight.take(Holder(None), [message()]), 5)
    assert aborted == ["oldest"]
