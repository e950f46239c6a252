"""On which threads requests run."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from asgiref.sync import sync_to_async

from tiledproject.http import RequestThreads


def application_on(thread_of: dict[str, int], may_end: dict[str, threading.Event]) -> Any:
    """An application that notes the thread of each path, and ends where it may."""

    def work(path: str) -> None:
        thread_of[path] = threading.get_ident()
        if path in may_end:
            may_end[path].wait(20)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await sync_to_async(work)(scope["path"])

    return application


async def ask(threads: RequestThreads, path: str) -> None:
    async def nothing(*arguments: Any) -> Any:
        return {}

    await threads({"type": "http", "path": path}, nothing, nothing)


async def test_a_request_takes_over_the_thread_of_the_one_before() -> None:
    thread_of: dict[str, int] = {}
    threads = RequestThreads(application_on(thread_of, {}))
    await ask(threads, "/first")
    await ask(threads, "/second")
    assert thread_of["/first"] == thread_of["/second"]


async def test_a_slow_request_keeps_nobody_waiting() -> None:
    thread_of: dict[str, int] = {}
    may_end = {f"/slow/{number}": threading.Event() for number in range(8)}
    threads = RequestThreads(application_on(thread_of, may_end), kept=2)
    slow = [asyncio.create_task(ask(threads, path)) for path in may_end]
    await ask(threads, "/brisk")
    for event in may_end.values():
        event.set()
    await asyncio.gather(*slow)
    assert len(set(thread_of.values())) == 9
