"""A producer in a separate process, which writes at a rate and records when."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from ..load import Writer
from ..peers import Peer

PATIENCE = 120.0


@dataclass(frozen=True)
class Request:
    """One write. `{place}` in the address is `first`, and grows by `step` with each write."""

    method: str
    target: str
    body: bytes
    media_type: str
    first: int = 0
    step: int = 0


@dataclass
class Written:
    """What a producer wrote: the time of each write, by its number from 0 on."""

    times: list[float] = field(default_factory=list)
    """Milliseconds since 1970 at which a request was begun."""
    late: int = 0
    """Writes that began more than one interval late, as the server or the machine was busy."""


@contextmanager
def producing(peer: Peer, requests: Sequence[Request], rate: float) -> Iterator[Written]:
    """Write `rate` times per second while the context lasts; the result is complete at its end.

    The requests are sent in turn, again and again.
    """
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_produce, args=(peer.port, requests, rate, there)
    )
    process.start()
    there.close()
    written = Written()
    try:
        here.recv()
        yield written
        here.send("end")
        if not here.poll(PATIENCE):
            raise RuntimeError("The producer does not answer.")
        found: Written = here.recv()
        written.times, written.late = found.times, found.late
    finally:
        process.kill()
        process.join()
        here.close()


def _produce(port: int, requests: Sequence[Request], rate: float, pipe: Connection) -> None:
    writer, written = Writer(port), Written()
    pipe.send("ready")
    due = time.monotonic()
    while not pipe.poll(max(0.0, due - time.monotonic())):
        if time.monotonic() > due + 1 / rate:
            # No burst afterwards: a detector would not make up for it either.
            written.late += 1
            due = time.monotonic()
        number = len(written.times)
        request = requests[number % len(requests)]
        written.times.append(1000 * time.time())
        place = request.first + number * request.step
        target = request.target.replace("{place}", str(place))
        writer.send(request.method, target, request.body, request.media_type)
        due += 1 / rate
    writer.close()
    pipe.send(written)
