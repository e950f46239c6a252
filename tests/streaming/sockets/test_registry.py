"""Who holds a seat, how many may, and who is sent away."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.accounts.revalidation import CredentialIds, ValidCredentials
from access.authentication.credentials import ANONYMOUS_READER, SERVICE_KEY_PRINCIPAL
from access.principals import READ, Principal
from core.errors import ServiceError, TooMany, Unauthorized
from streaming.config import StreamingCacheSettings
from streaming.shared_counters import SharedCounts
from streaming.sockets.connections.registry import Desk, Seat

REVOKED, EXPIRED = (4003, "Key revoked"), (4003, "Key expired")


def holder(key_id: int, lasts: float | None = None) -> Principal:
    expires = None if lasts is None else datetime.now(UTC) + timedelta(seconds=lasts)
    return Principal(READ, key_id=key_id, expires=expires)


def desk_for(connections: int = 100, per_key: int = 100, waiting: int = 100) -> Desk:
    return Desk(
        StreamingCacheSettings(
            connections=connections, connections_per_key=per_key, connections_waiting=waiting
        )
    )


class Sockets:
    """Sockets at a desk, and how they were ended."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.ended: list[tuple[int, tuple[int, str]]] = []
        self.news = asyncio.Event()

    def enter(self, number: int, principal: Principal) -> Seat:
        def end(code: int, reason: str) -> None:
            self.ended.append((number, (code, reason)))
            self.news.set()

        seat = self.desk.enter(end)
        seat.take(principal)
        return seat


async def test_there_are_no_more_sockets_than_may_be_and_who_leaves_makes_room() -> None:
    sockets = Sockets(desk_for(connections=2))
    first = sockets.enter(1, SERVICE_KEY_PRINCIPAL)
    sockets.enter(2, ANONYMOUS_READER)
    with pytest.raises(TooMany):
        sockets.desk.enter(print)
    first.leave()
    first.leave()
    sockets.enter(3, SERVICE_KEY_PRINCIPAL)
    with pytest.raises(TooMany):
        sockets.desk.enter(print)


async def test_a_key_with_all_it_may_have_keeps_no_other_out() -> None:
    sockets = Sockets(desk_for(per_key=1))
    for number, principal in enumerate(
        (SERVICE_KEY_PRINCIPAL, ANONYMOUS_READER, holder(1), holder(2))
    ):
        seat = sockets.enter(number, principal)
        with pytest.raises(TooMany):
            sockets.enter(9, principal)
        seat.leave()
        sockets.enter(number, principal)


async def test_who_has_not_said_who_they_are_keeps_nobody_else_out() -> None:
    dropped: list[tuple[int, str]] = []
    desk = desk_for(waiting=1)
    first = desk.enter(lambda code, reason: dropped.append((code, reason)))
    first.wait()
    second = desk.enter(print)
    second.wait()
    assert [code for code, _ in dropped] == [TooMany.close_code]
    first.leave()
    second.take(SERVICE_KEY_PRINCIPAL)
    third = desk.enter(print)
    third.wait()
    third.leave()
    assert desk.waiting == 0


async def test_where_all_that_wait_are_in_another_worker_one_more_is_refused() -> None:
    first, second = desks_for(StreamingCacheSettings(connections_waiting=1))
    waiting = first.enter(print)
    waiting.wait()
    with pytest.raises(TooMany):
        second.enter(print).wait()
    waiting.take(SERVICE_KEY_PRINCIPAL)
    second.enter(print).wait()


async def test_a_key_that_is_revoked_loses_its_seats_and_gets_no_other() -> None:
    sockets = Sockets(desk_for())
    arriving = sockets.desk.enter(print)
    for number, key_id in enumerate((1, 2, 1)):
        sockets.enter(number, holder(key_id))
    sockets.desk.end(1, "Key revoked")
    assert sorted(sockets.ended) == [(0, REVOKED), (2, REVOKED)]
    with pytest.raises(Unauthorized):
        arriving.take(holder(1))


async def test_a_key_that_expires_loses_its_seats_at_that_moment() -> None:
    sockets = Sockets(desk_for())
    sockets.enter(1, holder(1, lasts=0.2))
    sockets.enter(2, holder(2, lasts=60))
    await asyncio.wait_for(sockets.news.wait(), 5)
    assert sockets.ended == [(1, EXPIRED)]
    with pytest.raises(Unauthorized):
        sockets.enter(3, holder(3, lasts=-1))


async def test_a_look_at_the_keys_finds_those_that_are_over() -> None:
    sockets = Sockets(desk_for())
    for number in (1, 2, 3):
        sockets.enter(number, holder(number))
    held = sockets.desk.credentials
    assert held == CredentialIds(keys=frozenset({1, 2, 3}))
    past = datetime.now(UTC) - timedelta(seconds=1)
    sockets.desk.compare(held, ValidCredentials(keys={1: None, 3: past}))
    assert sorted(sockets.ended) == [(2, REVOKED), (3, EXPIRED)]


async def test_who_has_an_account_goes_with_it_and_a_demoted_admin_comes_again() -> None:
    sockets = Sockets(desk_for())
    ada, bob, login = uuid4(), uuid4(), uuid4()
    sockets.enter(1, Principal(READ, key_id=1, uuid=ada, admin=True))
    sockets.enter(2, Principal(READ, session=login, uuid=bob))
    sockets.enter(3, Principal(READ, key_id=3, uuid=bob))
    held = sockets.desk.credentials
    assert held == CredentialIds(frozenset({1, 3}), frozenset({login}), frozenset({ada, bob}))
    keys: dict[int, datetime | None] = {1: None, 3: None}
    sockets.desk.compare(
        held, ValidCredentials(keys, held.sessions, held.accounts, frozenset({ada}))
    )
    assert sockets.ended == []
    sockets.desk.compare(held, ValidCredentials(keys, held.sessions, held.accounts))
    assert sockets.ended == [(1, (1012, "Rights changed"))]
    sockets.desk.compare(held, ValidCredentials(keys, frozenset(), held.accounts, held.accounts))
    assert sockets.ended[1:] == [(2, (4003, "Session revoked"))]
    sockets.desk.end(bob, "Principal barred")
    assert set(sockets.ended[2:]) == {(n, (4003, "Principal barred")) for n in (2, 3)}
    with pytest.raises(Unauthorized):
        sockets.enter(4, Principal(READ, key_id=4, uuid=bob))


async def test_who_has_another_name_now_comes_again_under_it() -> None:
    sockets = Sockets(desk_for())
    bob = uuid4()
    for number, name in ((1, "user:bob"), (2, "user:robert")):
        sockets.enter(number, Principal(READ, key_id=1, uuid=bob, names=frozenset({name})))
    now = ValidCredentials({1: None}, accounts=frozenset({bob}), names={bob: "user:robert"})
    sockets.desk.compare(sockets.desk.credentials, now)
    assert sockets.ended == [(1, (1012, "Rights changed"))]


async def test_a_token_that_expires_ends_what_it_opened_and_no_more() -> None:
    sockets, login, account = Sockets(desk_for()), uuid4(), uuid4()
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    sockets.enter(1, Principal(READ, session=login, uuid=account, expires=soon))
    later = datetime.now(UTC) + timedelta(seconds=60)
    sockets.enter(2, Principal(READ, session=login, uuid=account, expires=later))
    await asyncio.wait_for(sockets.news.wait(), 5)
    assert sockets.ended == [(1, (4003, "Access token has expired. Refresh token."))]


@given(st.lists(st.tuples(st.sampled_from(["enter", "wait", "take", "leave"]), st.integers(0, 9))))
def test_whatever_sockets_do_nobody_is_counted_twice_or_for_ever(steps: list[Any]) -> None:
    async def go() -> None:
        desk, seats = desk_for(connections=4, per_key=2, waiting=2), dict[int, Seat]()
        waiting, holding = set[int](), dict[int, int]()

        def drop(number: int, code: int, reason: str) -> None:
            assert len(waiting) == 2
            waiting.discard(number)

        for step, number in steps:
            try:
                match step:
                    case "enter" if number not in seats:
                        seats[number] = desk.enter(partial(drop, number))
                    case "wait" if number in seats and number not in waiting | set(holding):
                        seats[number].wait()
                        waiting.add(number)
                    case "take" if number in seats and number not in holding:
                        waiting.discard(number)
                        seats[number].take(holder(number % 2))
                        holding[number] = number % 2
                    case "leave" if number in seats:
                        seats.pop(number).leave()
                        waiting.discard(number)
                        holding.pop(number, None)
            except ServiceError:
                full = len(seats) == 4 or len(waiting) == 2
                assert full or list(holding.values()).count(number % 2) == 2
            assert (len(seats) <= 4, desk.waiting) == (True, len(waiting))
            assert desk.credentials.keys == set(holding.values())
        for seat in seats.values():
            seat.leave()
        assert (desk.waiting, desk.credentials, desk._seats) == (0, CredentialIds(), set())

    asyncio.run(go())


async def test_beyond_the_share_the_oldest_of_the_address_with_the_most_waits_no_more() -> None:
    desk, dropped = desk_for(waiting=3), list[str]()
    for name, address in (("a1", "a"), ("b1", "b"), ("b2", "b"), ("a2", "a"), ("c1", "c")):
        desk.enter(lambda code, reason, name=name: dropped.append(name), address).wait()
    assert dropped == ["b1", "a1"]
    assert desk.waiting == 3


def desks_for(settings: StreamingCacheSettings) -> list[Desk]:
    """The desks of two workers of one server."""
    shared = SharedCounts.shared(2)
    return [Desk(settings, counts=shared.of_row(row)) for row in range(2)]


async def test_the_sockets_of_a_key_and_of_an_address_count_in_all_workers_together() -> None:
    settings = StreamingCacheSettings(connections_per_key=3, connections_per_address=2)
    first, second = desks_for(settings)
    seats = [desk.enter(print) for desk in (first, second, first, second)]
    for seat in seats[:3]:
        seat.take(holder(1))
    with pytest.raises(TooMany):
        seats[3].take(holder(1))
    seats[3].take(holder(2))
    seats[0].leave()
    second.enter(print).take(holder(1))
    first.enter(print, "192.0.2.1").take(ANONYMOUS_READER)
    second.enter(print, "192.0.2.1").take(ANONYMOUS_READER)
    with pytest.raises(TooMany, match="connections_per_address"):
        first.enter(print, "192.0.2.1").take(ANONYMOUS_READER)
    first.enter(print, "192.0.2.2").take(ANONYMOUS_READER)
