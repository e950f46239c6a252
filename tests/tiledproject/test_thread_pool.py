"""On which threads requests run."""

from __future__ import annotations

import asyncio
import threading
import weakref

import pytest

from tiledproject.http.thread_pool import ThreadPool


async def test_a_request_takes_over_the_thread_of_the_one_before() -> None:
    threads = ThreadPool()
    first = await threads.run(threading.get_ident)
    assert await threads.run(threading.get_ident) == first


async def test_blocked_requests_do_not_delay_others() -> None:
    threads, may_end = ThreadPool(max_idle=2), threading.Event()
    stuck = [asyncio.create_task(threads.run(may_end.wait, 20)) for _ in range(8)]
    assert await asyncio.wait_for(threads.run(lambda: "brisk"), 10) == "brisk"
    assert not any(task.done() for task in stuck)
    may_end.set()
    assert await asyncio.gather(*stuck) == [True] * 8


async def test_fast_work_is_done_by_few_threads() -> None:
    threads = ThreadPool(base_workers=2, overflow_delay=60)
    idents = await asyncio.gather(*(threads.run(threading.get_ident) for _ in range(100)))
    assert len(set(idents)) <= 2


async def test_blocked_work_is_given_more_threads() -> None:
    threads, crowd = ThreadPool(base_workers=2), threading.Barrier(10)
    await asyncio.gather(*(threads.run(crowd.wait, 20) for _ in range(20)))


async def test_an_idle_thread_holds_no_references_to_its_last_call() -> None:
    class Answer:
        pass

    def work(question: Answer) -> Answer:
        return Answer()

    threads, question = ThreadPool(), Answer()
    answer = await threads.run(work, question)
    held = weakref.ref(question), weakref.ref(answer)
    del question, answer
    await threads.run(int)
    assert [one() for one in held] == [None, None]


async def test_an_exception_reaches_the_caller() -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError, match="no such thing"):
        await ThreadPool().run(fail)


async def test_work_continues_when_its_caller_is_cancelled() -> None:
    threads, begun, may_end, done = ThreadPool(), *(threading.Event() for _ in range(3))

    def work() -> None:
        begun.set()
        may_end.wait(20)
        done.set()

    task = asyncio.create_task(threads.run(work))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    ending = asyncio.create_task(threads.idle())
    may_end.set()
    await asyncio.wait_for(ending, 20)
    assert done.is_set()
