"""Limits of the connection registry, and connections that it ends."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.authentication.credentials import ANONYMOUS_READER, SERVICE_KEY_PRINCIPAL
from access.authentication.revalidation import CredentialIds, ValidCredentials
from access.principals import READ, Principal
from core.errors import ServiceError, TooMany, Unauthorized
from streaming.config import StreamingCacheSettings
from streaming.shared_counters import SharedCounts
from streaming.sockets.connections.registry import ConnectionRegistry, ConnectionSlot

REVOKED, EXPIRED = (4003, "Key revoked"), (4003, "Key expired")


def holder(key_id: int, lasts: float | None = None) -> Principal:
    expires = None if lasts is None else datetime.now(UTC) + timedelta(seconds=lasts)
    return Principal(READ, key_id=key_id, expires=expires)


def new_registry(
    connections: int = 100, per_key: int = 100, waiting: int = 100
) -> ConnectionRegistry:
    return ConnectionRegistry(
        StreamingCacheSettings(
            max_connections=connections,
            connections_per_key=per_key,
            max_unauthenticated_connections=waiting,
        )
    )


class Sockets:
    """Connections of a registry, and how they were ended."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self.registry = registry
        self.ended: list[tuple[int, tuple[int, str]]] = []
        self.news = asyncio.Event()

    def open(self, number: int, principal: Principal) -> ConnectionSlot:
        def end(code: int, reason: str) -> None:
            self.ended.append((number, (code, reason)))
            self.news.set()

        slot = self.registry.reserve(end)
        slot.assign(principal)
        return slot


async def test_a_slot_beyond_the_limit_is_refused_until_one_is_released() -> None:
    sockets = Sockets(new_registry(connections=2))
    first = sockets.open(1, SERVICE_KEY_PRINCIPAL)
    sockets.open(2, ANONYMOUS_READER)
    with pytest.raises(TooMany):
        sockets.registry.reserve(print)
    first.release()
    first.release()
    sockets.open(3, SERVICE_KEY_PRINCIPAL)
    with pytest.raises(TooMany):
        sockets.registry.reserve(print)


async def test_a_key_at_its_limit_does_not_affect_others() -> None:
    sockets = Sockets(new_registry(per_key=1))
    for number, principal in enumerate(
        (SERVICE_KEY_PRINCIPAL, ANONYMOUS_READER, holder(1), holder(2))
    ):
        slot = sockets.open(number, principal)
        with pytest.raises(TooMany):
            sockets.open(9, principal)
        slot.release()
        sockets.open(number, principal)


async def test_the_oldest_pending_connection_is_ended_for_a_new_one() -> None:
    dropped: list[tuple[int, str]] = []
    registry = new_registry(waiting=1)
    first = registry.reserve(lambda code, reason: dropped.append((code, reason)))
    first.mark_pending()
    second = registry.reserve(print)
    second.mark_pending()
    assert [code for code, _ in dropped] == [TooMany.close_code]
    first.release()
    second.assign(SERVICE_KEY_PRINCIPAL)
    third = registry.reserve(print)
    third.mark_pending()
    third.release()
    assert registry.pending_count == 0


async def test_a_pending_connection_is_refused_if_all_others_are_in_another_worker() -> None:
    first, second = registries_of_two_workers(
        StreamingCacheSettings(max_unauthenticated_connections=1)
    )
    waiting = first.reserve(print)
    waiting.mark_pending()
    with pytest.raises(TooMany):
        second.reserve(print).mark_pending()
    waiting.assign(SERVICE_KEY_PRINCIPAL)
    second.reserve(print).mark_pending()


async def test_a_revoked_key_loses_its_connections_and_gets_no_other() -> None:
    sockets = Sockets(new_registry())
    arriving = sockets.registry.reserve(print)
    for number, key_id in enumerate((1, 2, 1)):
        sockets.open(number, holder(key_id))
    sockets.registry.revoke(1, "Key revoked")
    assert sorted(sockets.ended) == [(0, REVOKED), (2, REVOKED)]
    with pytest.raises(Unauthorized):
        arriving.assign(holder(1))


async def test_a_key_loses_its_connections_when_it_expires() -> None:
    sockets = Sockets(new_registry())
    sockets.open(1, holder(1, lasts=0.2))
    sockets.open(2, holder(2, lasts=60))
    await asyncio.wait_for(sockets.news.wait(), 5)
    assert sockets.ended == [(1, EXPIRED)]
    with pytest.raises(Unauthorized):
        sockets.open(3, holder(3, lasts=-1))


async def test_a_recheck_ends_connections_of_revoked_and_expired_keys() -> None:
    sockets = Sockets(new_registry())
    for number in (1, 2, 3):
        sockets.open(number, holder(number))
    held = sockets.registry.credentials
    assert held == CredentialIds(keys=frozenset({1, 2, 3}))
    past = datetime.now(UTC) - timedelta(seconds=1)
    sockets.registry.apply_recheck(held, ValidCredentials(keys={1: None, 3: past}))
    assert sorted(sockets.ended) == [(2, REVOKED), (3, EXPIRED)]


async def test_connections_end_with_their_account_and_a_demoted_admin_reconnects() -> None:
    sockets = Sockets(new_registry())
    ada, bob, login = uuid4(), uuid4(), uuid4()
    sockets.open(1, Principal(READ, key_id=1, uuid=ada, admin=True))
    sockets.open(2, Principal(READ, session=login, uuid=bob))
    sockets.open(3, Principal(READ, key_id=3, uuid=bob))
    held = sockets.registry.credentials
    assert held == CredentialIds(frozenset({1, 3}), frozenset({login}), frozenset({ada, bob}))
    keys: dict[int, datetime | None] = {1: None, 3: None}
    sockets.registry.apply_recheck(
        held, ValidCredentials(keys, held.sessions, held.accounts, frozenset({ada}))
    )
    assert sockets.ended == []
    sockets.registry.apply_recheck(held, ValidCredentials(keys, held.sessions, held.accounts))
    assert sockets.ended == [(1, (1012, "Permissions changed"))]
    sockets.registry.apply_recheck(
        held, ValidCredentials(keys, frozenset(), held.accounts, held.accounts)
    )
    assert sockets.ended[1:] == [(2, (4003, "Session revoked"))]
    sockets.registry.revoke(bob, "Account disabled")
    assert set(sockets.ended[2:]) == {(n, (4003, "Account disabled")) for n in (2, 3)}
    with pytest.raises(Unauthorized):
        sockets.open(4, Principal(READ, key_id=4, uuid=bob))


async def test_a_renamed_user_reconnects() -> None:
    sockets = Sockets(new_registry())
    bob = uuid4()
    for number, name in ((1, "user:bob"), (2, "user:robert")):
        sockets.open(number, Principal(READ, key_id=1, uuid=bob, names=frozenset({name})))
    now = ValidCredentials({1: None}, accounts=frozenset({bob}), names={bob: "user:robert"})
    sockets.registry.apply_recheck(sockets.registry.credentials, now)
    assert sockets.ended == [(1, (1012, "Permissions changed"))]


async def test_a_token_that_expires_ends_only_its_own_connections() -> None:
    sockets, login, account = Sockets(new_registry()), uuid4(), uuid4()
    soon = datetime.now(UTC) + timedelta(seconds=0.2)
    sockets.open(1, Principal(READ, session=login, uuid=account, expires=soon))
    later = datetime.now(UTC) + timedelta(seconds=60)
    sockets.open(2, Principal(READ, session=login, uuid=account, expires=later))
    await asyncio.wait_for(sockets.news.wait(), 5)
    assert sockets.ended == [(1, (4003, "Access token has expired. Refresh token."))]


@given(
    st.lists(
        st.tuples(st.sampled_from(["reserve", "wait", "assign", "release"]), st.integers(0, 9))
    )
)
def test_no_connection_is_counted_twice_or_after_its_release(steps: list[Any]) -> None:
    async def go() -> None:
        registry, slots = (
            new_registry(connections=4, per_key=2, waiting=2),
            dict[int, ConnectionSlot](),
        )
        waiting, holding = set[int](), dict[int, int]()

        def drop(number: int, code: int, reason: str) -> None:
            assert len(waiting) == 2
            waiting.discard(number)

        for step, number in steps:
            try:
                match step:
                    case "reserve" if number not in slots:
                        slots[number] = registry.reserve(partial(drop, number))
                    case "wait" if number in slots and number not in waiting | set(holding):
                        slots[number].mark_pending()
                        waiting.add(number)
                    case "assign" if number in slots and number not in holding:
                        waiting.discard(number)
                        slots[number].assign(holder(number % 2))
                        holding[number] = number % 2
                    case "release" if number in slots:
                        slots.pop(number).release()
                        waiting.discard(number)
                        holding.pop(number, None)
            except ServiceError:
                full = len(slots) == 4 or len(waiting) == 2
                assert full or list(holding.values()).count(number % 2) == 2
            assert (len(slots) <= 4, registry.pending_count) == (True, len(waiting))
            assert registry.credentials.keys == set(holding.values())
        for slot in slots.values():
            slot.release()
        assert (registry.pending_count, registry.credentials, registry._connections) == (
            0,
            CredentialIds(),
            {},
        )

    asyncio.run(go())


async def test_beyond_the_pending_limit_the_oldest_of_the_busiest_address_is_ended() -> None:
    registry, dropped = new_registry(waiting=3), list[str]()
    for name, address in (("a1", "a"), ("b1", "b"), ("b2", "b"), ("a2", "a"), ("c1", "c")):
        registry.reserve(
            lambda code, reason, name=name: dropped.append(name), address
        ).mark_pending()
    assert dropped == ["b1", "a1"]
    assert registry.pending_count == 3


def registries_of_two_workers(settings: StreamingCacheSettings) -> list[ConnectionRegistry]:
    """Return the registries of two workers of one server."""
    shared = SharedCounts.shared(2)
    return [ConnectionRegistry(settings, counts=shared.of_row(row)) for row in range(2)]


async def test_connections_of_a_key_and_of_an_address_are_counted_over_all_workers() -> None:
    settings = StreamingCacheSettings(connections_per_key=3, connections_per_address=2)
    first, second = registries_of_two_workers(settings)
    slots = [registry.reserve(print) for registry in (first, second, first, second)]
    for slot in slots[:3]:
        slot.assign(holder(1))
    with pytest.raises(TooMany):
        slots[3].assign(holder(1))
    slots[3].assign(holder(2))
    slots[0].release()
    second.reserve(print).assign(holder(1))
    first.reserve(print, "192.0.2.1").assign(ANONYMOUS_READER)
    second.reserve(print, "192.0.2.1").assign(ANONYMOUS_READER)
    with pytest.raises(TooMany, match="connections_per_address"):
        first.reserve(print, "192.0.2.1").assign(ANONYMOUS_READER)
    first.reserve(print, "192.0.2.2").assign(ANONYMOUS_READER)
