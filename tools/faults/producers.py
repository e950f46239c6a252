"""Producers over the ingest endpoint: many nodes on one connection, frames that wait for no reply.

A connection lasts some seconds. Then its producer waits for all acknowledgements, or disconnects at
once, and connects again under a new name. A frame that was sent and not acknowledged by then may
have been applied, once, or not at all.
"""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tiled_client import FrameRejected, TiledClientError, from_uri

from .nodes import BLOCKS, NOT_PERSISTED, WIDTH
from .problems import Problem, Trouble
from .sites import PATIENCE, PAUSE
from .writers import Writer

# The nodes that a producer writes to. It has no offsets to keep, so that many may append to one.
TARGETS = ("counts", "blocks", "frames", "table", "live", "readings")
# How many frames are sent at a time, at the most.
BURST = 8
# How long a connection lasts, in seconds.
LIFETIME = (1.0, 5.0)


class Sent(NamedTuple):
    """A frame of which it is not known yet what came of it."""

    sequence: int
    number: int
    place: str
    last: bool


@dataclass
class Target:
    """A node of a connection, and the frames for it whose outcome is not known."""

    name: str
    node: Any
    sent: deque[Sent] = field(default_factory=deque)

    def send(self, number: int, *, last: bool) -> None:
        """Write a number somewhere. Raises TiledClientError, also for earlier frames."""
        place = str(random.randrange(BLOCKS)) if self.name == "blocks" else ""  # noqa: S311
        self.sent.append(Sent(self._write(number, place), number, place, last))

    def _write(self, number: int, place: str) -> int:
        values = np.full(WIDTH, number, "i8")
        row = {"operation": [number]}
        appends = random.random() < 0.5  # noqa: S311
        sequence: int
        match self.name:
            case "blocks":
                sequence = self.node.write_block(values, int(place))
            case "frames":
                sequence = self.node.append(values)
            case "table":
                sequence = self.node.append(row)
            case "readings":
                sequence = self.node.append(row) if appends else self.node.write(row)
            case "live":
                sequence = self.node.append(values) if appends else self.node.write(values)
            case _:
                sequence = self.node.write(values)
        return sequence


class Connection:
    """One connection of a producer. Raises TiledClientError if there is none."""

    def __init__(self, writer: Writer, uri: str) -> None:
        self._writer = writer
        container = from_uri(uri, api_key=writer.site.api_key)[writer.root]
        nodes = dict(container.items())
        self._ingest = container.writer().connect()
        self._targets = [
            Target(name, self._ingest.open(nodes[name], persist=name not in NOT_PERSISTED))
            for name in TARGETS
        ]
        # Whether a node has failed, or the connection has for good.
        self.is_broken = False

    def burst(self) -> None:
        """Send frames to some of the nodes."""
        for target in random.choices(self._targets, k=random.randint(1, BURST)):  # noqa: S311
            self._send(target)

    def send_last(self) -> None:
        """Send the frame to each node that has to reach every subscriber."""
        for target in self._targets:
            self._send(target, last=True)

    def flush(self) -> None:
        """Wait until all is acknowledged, within PATIENCE."""
        deadline = time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            try:
                self._ingest.flush(left)
            except FrameRejected as rejected:
                self._take(rejected)
            except TiledClientError:
                return
            else:
                self._settle(self._acknowledged())
                return

    def end(self) -> None:
        """Disconnect, and write down that the rest has no known outcome."""
        self._ingest.abort()
        for target in self._targets:
            while target.sent:
                self._note(target, target.sent.popleft(), None)

    def _send(self, target: Target, *, last: bool = False) -> None:
        # A rejection comes before the acknowledgement of a later frame, and is raised by a call.
        acknowledged = self._acknowledged()
        try:
            target.send(next(self._writer.numbers), last=last)
        except FrameRejected as rejected:
            self._take(rejected)
        except TiledClientError:
            self.is_broken = True
            return
        self._settle(acknowledged)

    def _acknowledged(self) -> list[int]:
        return [target.node.acknowledged for target in self._targets]

    def _settle(self, acknowledged: list[int]) -> None:
        for target, sequence in zip(self._targets, acknowledged, strict=True):
            while target.sent and target.sent[0].sequence <= sequence:
                self._note(target, target.sent.popleft(), True)

    def _take(self, rejected: FrameRejected) -> None:
        """Write down which frames were rejected."""
        site = self._writer.site
        for one in (rejected, *rejected.others):
            status = one.status or 500
            site.count(status, f"frame {one.sequence} for {one.path}: {status} {one.detail}")
            self.is_broken |= not one.later_applied
            target = next(
                target for target in self._targets if target.node.path == tuple(one.path.split("/"))
            )
            for sent in [sent for sent in target.sent if sent.sequence == one.sequence]:
                target.sent.remove(sent)
                self._note(target, sent, None if status >= 500 or status == 429 else False)

    def _note(self, target: Target, sent: Sent, done: bool | None) -> None:
        self._writer.note(target.name, sent.number, done, sent.place, sent.last)


def produce(writer: Writer) -> None:
    """Write over one connection after another."""
    connection, ends, count = None, 0.0, 0
    for last in writer.turns():
        if connection is None:
            connection = _connection(writer, count)
            ends, count = time.monotonic() + random.uniform(*LIFETIME), count + 1  # noqa: S311
        if connection is None:
            return
        if last:
            connection.send_last()
        else:
            connection.burst()
        if last or connection.is_broken or time.monotonic() > ends:
            if last or random.random() < 0.5:  # noqa: S311
                connection.flush()
            connection.end()
            connection = None


def _connection(writer: Writer, count: int) -> Connection | None:
    """Return a new connection, to each server in turn, as soon as there is one."""
    deadline = time.monotonic() + PATIENCE
    error: TiledClientError | None = None
    while time.monotonic() < deadline:
        try:
            return Connection(writer, writer.site.uris[count % len(writer.site.uris)])
        except TiledClientError as raised:
            error, count = raised, count + 1
        time.sleep(PAUSE)
    text = f"no connection to the ingest endpoint for {PATIENCE:.0f} s: {error}"
    writer.site.mistakes.append(Problem(Trouble.OTHER, text))
    return None
