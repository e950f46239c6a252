"""Many writers and many subscribers of one node: does each get every update, once, in order?

Run by hand against a server that runs: `python -m tools.load.completeness URI --api-key KEY`.
Besides subscribers that are there from the beginning, there are some that come during the burst
(with `start=0`, with a number, without), and some that disconnect repeatedly and resume.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any
from urllib.parse import urlencode

import msgpack
import numpy as np
from websockets.asyncio.client import connect

from tiled_client import from_uri

SEQUENCE = b"\xa8sequence"
WIDTHS = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8}
HALVES = 2
PATIENCE = 60.0


@dataclass(frozen=True)
class Plan:
    """What one subscriber does: joins after `after` updates, resumes each `hang_up` messages."""

    start: int | None = None
    after: int = 0
    hang_up: int | None = None


@dataclass
class Report:
    """The outcome; `faults` is empty if nothing was wrong."""

    updates: int
    subscribers: int
    seconds: float
    messages: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.updates} updates to {self.subscribers} subscribers in {self.seconds:.1f} s "
            f"({self.messages} messages)\n{'; '.join(self.faults) or 'each once, in order'}"
        )


def prove(uri: str, api_key: str, writers: int, updates: int, subscribers: int) -> Report:
    """Let `writers` threads of two processes write `updates` each, and compare what was heard."""
    client = from_uri(uri, api_key=api_key)
    key = f"complete{secrets.token_hex(4)}"
    client.write_array(np.zeros(16), key=key)
    total = writers * updates
    # The array's own first write was number 1.
    plans = list(_plans(subscribers, total))
    begun = time.monotonic()
    with ProcessPoolExecutor(2 * HALVES, mp_context=get_context("spawn")) as pool:
        heard = _run(pool, uri, api_key, key, plans, writers, updates)
    report = Report(total, subscribers, time.monotonic() - begun)
    for plan, (first, sequences) in zip(plans, heard, strict=True):
        report.messages += len(sequences)
        if sequences != list(range(first, total + 2)):
            report.faults.append(f"{plan}: {_difference(first, total + 1, sequences)}")
    client[key].delete(external_only=False)
    return report


def _plans(subscribers: int, total: int) -> Iterator[Plan]:
    kinds = [
        Plan(),
        Plan(start=2),
        Plan(start=0, after=total // 2),
        Plan(start=total // 4, after=total // 3),
        Plan(after=total // 3),
        Plan(start=2, hang_up=max(5, total // 7)),
    ]
    for number in range(subscribers):
        yield kinds[number % len(kinds)]


def _run(
    pool: Executor,
    uri: str,
    api_key: str,
    key: str,
    plans: list[Plan],
    writers: int,
    updates: int,
) -> list[tuple[int, list[int]]]:
    last = writers * updates + 1
    listening = [
        pool.submit(_listen, uri, api_key, key, plans[half::HALVES], last) for half in range(HALVES)
    ]
    client = from_uri(uri, api_key=api_key)
    _wait_for_listeners(client, key, sum(plan.after == 0 for plan in plans))
    writing = [
        pool.submit(_write, uri, api_key, key, writers // HALVES, updates) for _ in range(HALVES)
    ]
    for written in writing:
        written.result()
    heard: list[Any] = [None] * len(plans)
    for half, received in enumerate(listening):
        heard[half::HALVES] = received.result()
    return heard


def _wait_for_listeners(client: Any, key: str, count: int) -> None:
    """Return when the listeners have said, in the array's metadata, that all are there."""
    deadline = time.monotonic() + PATIENCE
    while len(client[key].metadata) < HALVES:
        assert time.monotonic() < deadline, f"{count} subscribers did not come"
        time.sleep(0.05)


def _write(uri: str, api_key: str, key: str, writers: int, updates: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    array = from_uri(uri, api_key=api_key)[key]

    def work(number: int) -> None:
        for _ in range(updates):
            array.write(np.full(16, float(number)), persist=False)

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(work, range(writers)))


def _listen(
    uri: str, api_key: str, key: str, plans: list[Plan], last: int
) -> list[tuple[int, list[int]]]:
    return asyncio.run(_listen_all(uri, api_key, key, plans, last))


async def _listen_all(
    uri: str, api_key: str, key: str, plans: list[Plan], last: int
) -> list[tuple[int, list[int]]]:
    listeners = [Listener(uri, api_key, key, plan, last) for plan in plans]
    leader = next(one for one in listeners if one.plan.after == 0)
    tasks = [asyncio.create_task(one.run(leader)) for one in listeners]
    await asyncio.gather(*(one.ready.wait() for one in listeners if one.plan.after == 0))
    node = from_uri(uri, api_key=api_key)[key]
    await asyncio.to_thread(node.update_metadata, {secrets.token_hex(4): "ready"})
    await asyncio.gather(*tasks)
    return [(one.first, one.sequences) for one in listeners]


class Listener:
    """One subscriber; `first` is the number that it should have heard first."""

    def __init__(self, uri: str, api_key: str, key: str, plan: Plan, last: int) -> None:
        self.plan = plan
        self.first = 0
        self.sequences: list[int] = []
        self.ready = asyncio.Event()
        self.news = asyncio.Event()
        self._address = f"{uri.rstrip('/')}/api/v1/stream/single/{key}".replace("http", "ws", 1)
        self._headers = {"Authorization": f"Apikey {api_key}"}
        self._last = last
        self._epoch: str | None = None

    async def run(self, leader: Listener) -> None:
        """Listen until the last update has come."""
        while len(leader.sequences) < self.plan.after:
            leader.news.clear()
            await leader.news.wait()
        while not self.sequences or self.sequences[-1] < self._last:
            await self._listen_once()

    async def _listen_once(self) -> None:
        query: dict[str, Any] = {"envelope_format": "msgpack"}
        start = self.sequences[-1] + 1 if self.sequences else self.plan.start
        if start is not None:
            query["start"] = start
        if self._epoch is not None:
            query["epoch"] = self._epoch
        async with connect(
            f"{self._address}?{urlencode(query)}",
            additional_headers=self._headers,
            compression=None,
            ping_interval=None,
        ) as connection:
            schema = msgpack.unpackb(await connection.recv())
            self._epoch = schema["epoch"]
            if not self.first:
                self.first = schema["sequence"] + 1 if start is None else max(start, 1)
            self.ready.set()
            heard = 0
            while not self.sequences or self.sequences[-1] < self._last:
                async with asyncio.timeout(PATIENCE):
                    frame = await connection.recv(decode=False)
                self.sequences.append(_sequence(bytes(frame)))
                self.news.set()
                heard += 1
                if heard == self.plan.hang_up:
                    # At once, in the middle of whatever is on its way.
                    connection.transport.abort()
                    return


def _sequence(frame: bytes) -> int:
    place = frame.index(SEQUENCE) + len(SEQUENCE)
    width = WIDTHS.get(frame[place])
    return frame[place] if width is None else int.from_bytes(frame[place + 1 : place + 1 + width])


def _difference(first: int, last: int, heard: list[int]) -> str:
    missing = sorted(set(range(first, last + 1)) - set(heard))
    twice = len(heard) - len(set(heard))
    order = "in order" if heard == sorted(heard) else "out of order"
    return f"{len(missing)} missing {missing[:5]}, {twice} twice, {order}"


def main() -> None:
    """Prove it once and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("uri")
    parser.add_argument("--api-key", required=True)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--updates", type=int, default=500, help="of each writer")
    parser.add_argument("--subscribers", type=int, default=50)
    options = parser.parse_args()
    report = prove(
        options.uri, options.api_key, options.writers, options.updates, options.subscribers
    )
    print(report)
    sys.exit(bool(report.faults))


if __name__ == "__main__":
    main()
