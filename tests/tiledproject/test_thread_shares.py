"""Kinds of requests that take long, and those that need a thread meanwhile."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from core.cancellation import CancellationToken, Cancelled, current
from core.errors import Unavailable
from tiledproject.config.budgets import BudgetSettings
from tiledproject.http.thread_pool import ThreadPool
from tiledproject.http.thread_shares import ThreadShare, ThreadShares


def scope(target: str, method: str = "GET") -> dict[str, Any]:
    path, _, query = target.partition("?")
    return {"method": method, "path": path, "query_string": query.encode()}


@pytest.mark.parametrize(
    ("target", "method", "share"),
    [
        ("/api/v1/search/a?filter[eq][condition][key]=x", "GET", "searches"),
        ("/api/v1/search/a?page[limit]=10", "GET", "requests"),
        ("/api/v1//distinct/a", "GET", "searches"),
        ("/api/v1/container/full/a?format=json", "POST", "exports"),
        ("/api/v1/array/full/a", "GET", "reads"),
        ("/api/v1/asset/bytes/a?id=1", "GET", "reads"),
        ("/zarr/v2/a/0.0", "GET", "reads"),
        ("/api/v1/array/full/a", "PUT", "requests"),
        ("/api/v1/metadata/a", "GET", "requests"),
        ("/admin/", "GET", "requests"),
    ],
)
async def test_slow_requests_have_a_share_of_their_own(
    target: str, method: str, share: str
) -> None:
    assert ThreadShares(BudgetSettings()).of(scope(target, method)).name == share


async def test_a_full_share_leaves_threads_to_others_and_refuses_beyond_its_queue() -> None:
    threads, may_end = ThreadPool(), threading.Event()
    searches, others = ThreadShare("searches", 2, waiting=3), ThreadShare("requests", 10, waiting=3)

    async def work(share: ThreadShare, function: Any) -> Any:
        await share.acquire("a")
        try:
            return await threads.run(function)
        finally:
            share.release()

    slow = [asyncio.create_task(work(searches, lambda: may_end.wait(20))) for _ in range(5)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="searches") as refused:
        await work(searches, int)
    assert refused.value.headers["Retry-After"]
    assert await asyncio.wait_for(work(others, lambda: "brisk"), 10) == "brisk"
    may_end.set()
    assert await asyncio.gather(*slow) == [True] * 5
    assert await work(searches, lambda: "again") == "again"


async def test_an_address_with_many_requests_takes_turns_with_others() -> None:
    share, order = ThreadShare("reads", 1, waiting=100), list[str]()
    await share.acquire("first")

    async def ask(address: str) -> None:
        await share.acquire(address)
        order.append(address)
        share.release()

    asked = [asyncio.create_task(ask(address)) for address in ("a", "a", "a", "b")]
    await asyncio.sleep(0)
    share.release()
    await asyncio.gather(*asked)
    assert order == ["a", "b", "a", "a"]


async def test_an_address_that_fills_the_queue_yields_to_another() -> None:
    share, order = ThreadShare("reads", 1, waiting=4), list[str]()
    await share.acquire("first")

    async def ask(address: str) -> None:
        await share.acquire(address)
        order.append(address)
        share.release()

    asked = [asyncio.create_task(ask(address)) for address in ("a", "a", "a", "a", "b", "c", "a")]
    await asyncio.sleep(0)
    share.release()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(order) == ["a", "a", "b", "c"]
    assert [isinstance(result, Unavailable) for result in results] == [
        *(False, False, True, True),
        *(False, False, True),
    ]
    await asyncio.wait_for(share.acquire("again"), 10)


async def test_a_client_that_disconnects_while_queued_uses_no_thread() -> None:
    token, ran = CancellationToken(), list[int]()
    token.cancel()
    with pytest.raises(Cancelled):
        await ThreadPool().run(ran.append, 1, token=token)
    assert ran == []


async def test_a_running_request_is_cancelled_when_its_client_disconnects() -> None:
    token, stopped, begun = CancellationToken(), threading.Event(), threading.Event()

    def work() -> bool:
        with current().on_cancel(stopped.set):
            begun.set()
            return stopped.wait(20)

    running = asyncio.create_task(ThreadPool().run(work, token=token))
    assert await asyncio.to_thread(begun.wait, 20)
    token.cancel()
    assert await asyncio.wait_for(running, 10)
