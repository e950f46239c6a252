"""Many subscriptions on one connection: who is served next, and what is said to whom."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial

import msgpack
from channels.db import database_sync_to_async

from access.principals import Principal
from core.errors import BadRequest, ServiceError

from ...protocol import message_codec
from ...protocol.endings import GONE_CODE, StreamEnd, StreamEnded
from ...protocol.subscription_options import SubscriptionOptions
from ...reading.entries import EncodedMessage, Entry
from ...reading.feed import Item
from ...reading.reader import Reader
from ..connections.authorization import Watched, watch
from ..connections.permission_watch import Onlooker, onlookers
from ..messages import json_envelope
from ..messages.in_flight import in_flight
from ..messages.renderer import Rendering
from ..messages.sender import Outlet
from ..messages.slicing import Origin, cut_of
from ..messages.visibility import sight_of
from .commands import BadControl, Subscribe, Unsubscribe
from .subscriptions import Line, Member
from .subtree import TooManyNodes, Tree

MOST_OWED = 1000
UNREAD = "The answers are not read."
CODES = {StreamEnd.CLOSED: 1000, StreamEnd.DELETED: GONE_CODE}


class Exchange:
    """Serves all lines of one connection in turn, a bounded batch each.

    Nothing is taken from a stream before the connection has room for it, so that a client that
    does not read costs no memory, however many streams it follows.
    """

    def __init__(
        self,
        outlet: Outlet,
        reader: Reader,
        principal: Principal,
        base_url: str,
        *,
        text: bool,
        most_nodes: int,
    ) -> None:
        self.reader = reader
        self.principal = principal
        self.most_nodes = most_nodes
        self._outlet = outlet
        self._base_url = base_url
        self._text = text
        self._lines: dict[str, Line] = {}
        self._count = 0
        self._turns: deque[Member | EncodedMessage] = deque()
        self._owed = 0
        self._news = asyncio.Event()
        self._serving = False
        self._failure: BaseException | None = None
        self._losing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled. Raises StreamEnded when Redis is lost, and what went wrong."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._turns and self._failure is None:
                turn = self._turns.popleft()
                self._serving = True
                if isinstance(turn, Member):
                    await self._serve(turn)
                else:
                    self._owed -= 1
                    await self._outlet.send([turn])
                self._serving = False
                # One that never has to wait would otherwise be the only connection served.
                await asyncio.sleep(0)
            if self._failure is not None:
                raise self._failure

    def listens(self) -> bool:
        """Whether to take what the client says: it has to read the answers, or is sent away."""
        # The end of each node may have to be told at the same time.
        if self._owed > self.most_nodes + MOST_OWED:
            self.fail(BadRequest(UNREAD))
        return self._failure is None

    async def subscribe(self, asked: Subscribe) -> None:
        """Begin a line; what stands against it is said to the client."""
        path = "/".join(asked.path)
        if asked.id in self._lines:
            self.say_error(asked.id, path, 400, f"The id {asked.id!r} is in use.")
            return
        line = self._lines[asked.id] = Line(asked.id, path)
        try:
            if asked.recursive:
                line.tree = Tree(self, line, asked.terms)
                await line.tree.open()
            else:
                watched = await database_sync_to_async(watch)(asked.path, self.principal)
                await self.join(line, path, watched, asked.terms)
        except ServiceError as error:
            await self.end_line(line)
            status = 400 if isinstance(error, BadRequest) else error.status
            self.say_error(asked.id, path, status, error.detail)
        except BaseException:
            await self.end_line(line)
            raise

    async def unsubscribe(self, asked: Unsubscribe) -> None:
        """End a line. What was taken before may still be on its way, before the answer."""
        line = self._lines.get(asked.id)
        if line is None:
            self.say_error(asked.id, None, 404, f"Nothing is subscribed to as {asked.id!r}.")
            return
        await self.end_line(line)
        self._say(asked.id, line.path, {"type": "unsubscribed"})

    def refuse(self, error: BadControl) -> None:
        """Answer what cannot be understood."""
        self.say_error(error.id, None, 400, error.detail)

    async def close(self) -> None:
        """Leave all streams."""
        self._outlet.close()
        for line in list(self._lines.values()):
            await self.end_line(line)

    async def join(
        self, line: Line, path: str, watched: Watched, terms: SubscriptionOptions
    ) -> Member:
        """Make a node a member of `line`. Raises ServiceError, TooManyNodes."""
        cut = cut_of(terms, watched.structure)
        if self._count >= self.most_nodes:
            raise TooManyNodes(self.most_nodes)
        self._count += 1
        try:
            subscriber = await self.reader.subscribe(watched.uuid, terms)
        except BaseException:
            self._count -= 1
            raise
        origin = Origin(self._base_url, path.split("/") if path else [])
        rendering = Rendering(origin, watched.structure, self._text, cut)
        member = Member(line, path, watched, subscriber, rendering, self._prefix(line.id, path))
        if line.over:
            await self.leave(member)
            return member
        line.members[path] = member
        self._watch_over(member)
        member.first = rendering.schema(subscriber.cursor)
        if watched.structure is not None:
            subscriber.fast_path = partial(self._express, member, member.prefix)
        if line.begun:
            self._enqueue(member)
        return member

    def _watch_over(self, member: Member) -> None:
        """Have the member tell what its client sees, and only as long as they see it."""
        line = member.line
        look = line.tree.look if line.tree is not None and member.path == line.path else None
        member.sight = sight_of(member.watched)
        member.onlooker = Onlooker(member.watched, partial(self._lose, member), look)
        onlookers().add(member.onlooker)

    def _lose(self, member: Member) -> None:
        """A node is hidden from now on, and looks as if it were gone."""
        if member.gone:
            return
        member.lost = True
        task = asyncio.ensure_future(self.end_member(member, StreamEnd.DELETED))
        self._losing.add(task)
        task.add_done_callback(self._losing.discard)

    def begin(self, line: Line) -> None:
        """Speak of all members of `line`, in the order in which they were joined."""
        line.begun = True
        for member in line.members.values():
            self._enqueue(member)

    async def leave(self, member: Member) -> None:
        """Follow a node no more; harmless when done before."""
        if member.gone:
            return
        member.gone = True
        self._count -= 1
        if member.onlooker is not None:
            onlookers().remove(member.onlooker)
        if member.line.members.get(member.path) is member:
            del member.line.members[member.path]
        if member.waiter is not None:
            member.subscriber.cancel_wait(member.waiter)
        await self.reader.unsubscribe(member.subscriber)

    def fail(self, error: BaseException) -> None:
        """Have `run` raise this."""
        self._failure = error
        self._news.set()

    def say_error(self, name: str | None, path: str | None, status: int, detail: str) -> None:
        """Tell the client what it cannot have, and why."""
        self._say(name, path, {"type": "error", "status": status, "detail": detail})

    async def end_member(self, member: Member, ending: StreamEnd) -> None:
        """Say that a node's stream is over, and draw the consequences."""
        line = member.line
        said = {"type": "closed", "code": CODES[ending], "reason": ending.value}
        self._say(line.id, member.path, said)
        if ending is StreamEnd.CLOSED and line.tree is not None:
            # Writing may go on, and nobody would come back for this one node.
            member.subscriber.resume()
            self._enqueue(member)
        elif member.path == line.path:
            await self.end_line(line)
        else:
            await self.leave(member)

    async def _serve(self, member: Member) -> None:
        """One turn: a batch, or else wait for news."""
        # Nothing is made before there is room for it.
        await self._outlet.drained()
        if member.gone:
            return
        if member.subscriber.feed.behind:
            async with in_flight().replays:
                await self._serve_batch(member)
        else:
            await self._serve_batch(member)

    async def _serve_batch(self, member: Member) -> None:
        first, member.first = member.first, None
        forms = [] if first is None else [first]
        try:
            items = await member.subscriber.receive_nowait()
        except StreamEnded as end:
            if forms:
                await self._send(member, forms)
            if end.ending is StreamEnd.LOST:
                raise
            await self.end_member(member, end.ending)
            return
        looks_again = bool(items or forms)
        await onlookers().settled(member.onlooker)
        if member.lost:
            return
        forms += await member.rendering.forms(await self._seen(member, items))
        if forms:
            await self._send(member, forms)
        if looks_again:
            # There may be more, or news came while this was being sent.
            self._enqueue(member)
        elif member.line.members.get(member.path) is member:
            member.waiter = member.subscriber.waiter()
            member.waiter.add_done_callback(lambda _: self._enqueue(member))

    async def _seen(self, member: Member, items: list[Item]) -> list[Item]:
        """Return what the client sees of `items`."""
        if member.sight is not None:
            items = await member.sight.of(items)
        if member.line.tree is not None:
            items = member.line.tree.see(member, items)
        return items

    def _express(self, member: Member, prefix: bytes, entries: Sequence[Entry]) -> bool:
        """Send what is new to a node that waits for it; never past somebody else's turn."""
        waits = self._turns or self._serving or onlookers().holds(member.onlooker)
        forms = None if waits else member.rendering.at_once(entries)
        return forms is not None and self._outlet.offer(forms, prefix)

    async def _send(self, member: Member, forms: list[EncodedMessage]) -> None:
        await self._outlet.send(forms, member.prefix)

    def _enqueue(self, member: Member) -> None:
        member.waiter = None
        if not member.gone:
            self._turns.append(member)
            self._news.set()

    async def end_line(self, line: Line) -> None:
        """Leave all nodes of a line; its id may be used again."""
        line.over = True
        if self._lines.get(line.id) is line:
            del self._lines[line.id]
        if line.tree is not None:
            line.tree.close()
        for member in list(line.members.values()):
            await self.leave(member)

    def _say(self, name: str | None, path: str | None, message: dict[str, object]) -> None:
        whole = [name, path, message]
        form = json_envelope.dumps(whole) if self._text else message_codec.encode(whole)
        self._turns.append(form)
        self._owed += 1
        self._news.set()

    def _prefix(self, name: str, path: str) -> bytes:
        """What every frame about a node begins with: `[id, path,`."""
        if self._text:
            return json_envelope.dumps([name, path])[:-1] + b","
        return b"\x93" + bytes(msgpack.packb(name) + msgpack.packb(path))
