"""Following a container and everything below it, also what is created later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from channels.db import database_sync_to_async
from django.db import DatabaseError

from access.principals import Principal
from catalog.lookup.nodes import below
from catalog.models import Node
from catalog.permissions.visibility import visible
from core.errors import ServiceError
from tiled_client.wire.messages import ChildCreated

from ...protocol import message_codec
from ...protocol.endings import StreamEnd
from ...protocol.notices import Feature, Gap, Reset
from ...protocol.subscription_options import SubscriptionOptions
from ...reading.entries import Entry
from ...reading.feed import Item
from ..connections.authorization import NEEDED, STREAMABLE, Watched, watch
from ..messages.error_codes import is_passing

if TYPE_CHECKING:
    from .session import Exchange
    from .subscriptions import Line, Member

logger = logging.getLogger(__name__)

CREATED = message_codec.type_prefix(ChildCreated.type)
# So many streams are joined at the same time.
AT_ONCE = 16
RETRY_SECONDS = 1.0

Found = dict[str, Watched]


class TooManyNodes(ServiceError):
    """More nodes than one connection may follow."""

    status = 413

    def __init__(self, most: int) -> None:
        super().__init__(
            f"One connection may follow {most} nodes (streaming_cache.recursive_nodes). "
            "Subscribe to a container further down."
        )


class Tree:
    """The nodes of a recursive line.

    What exists when it is opened is followed from where the client asked for. Whatever is created
    after that is found in one of two ways, and followed from its beginning: it is listed once all
    containers are followed, or its container's stream tells of it.
    """

    def __init__(self, exchange: Exchange, line: Line, terms: SubscriptionOptions) -> None:
        self._exchange = exchange
        self._line = line
        self._terms = terms
        self._anew = replace(terms, start=0, since=None)
        self._tasks: set[asyncio.Task[None]] = set()
        self._growth: asyncio.Queue[str] = asyncio.Queue()

    async def open(self) -> None:
        """Join what there is. Raises ServiceError."""
        path, exchange = self._line.path, self._exchange
        # Whoever has heard the first word may write, and misses nothing of any node.
        self._line.begun = False
        root = await database_sync_to_async(watch)(
            path.split("/") if path else [], exchange.principal
        )
        there = {path: root}
        if root.structure is None:
            there |= await self._listed()
        # Its schema is the first message.
        await self._join({path: root}, self._terms)
        await self._join(_only(there, containers=True), self._terms)
        since = await self._listed() if root.structure is None else {}
        new = {path: watched for path, watched in since.items() if path not in there}
        await self._join(there, self._terms)
        await self._join(new, self._anew)
        exchange.begin(self._line)
        task = asyncio.create_task(self._grow())
        self._tasks.add(task)

    def close(self) -> None:
        """Look for new nodes no more."""
        for task in self._tasks:
            task.cancel()

    def look(self) -> None:
        """There may be nodes that the client did not see before."""
        self._growth.put_nowait("")

    def see(self, member: Member, items: list[Item]) -> list[Item]:
        """Take note of what a container says of its children; what of it the client wanted."""
        if member.watched.structure is not None:
            return items
        for item in items:
            if isinstance(item, Entry):
                if item.frame.startswith(CREATED, 1):
                    key = message_codec.decode(item.frame)["key"]
                    self._growth.put_nowait(f"{member.path}/{key}" if member.path else key)
            elif isinstance(item, Gap | Reset):
                # Children may have been created that nobody tells of any more.
                self._growth.put_nowait("")
        return [item for item in items if self._is_wanted(item)]

    def _is_wanted(self, item: Item) -> bool:
        features = self._terms.features
        if isinstance(item, Gap):
            return Feature.gap in features
        return not isinstance(item, Reset) or Feature.reset in features

    async def _listed(self) -> Found:
        exchange = self._exchange
        look = database_sync_to_async(_below)
        found: Found = await look(self._line.path, exchange.principal, exchange.most_nodes)
        return found

    async def _join(self, found: Found, terms: SubscriptionOptions) -> None:
        """Make all of `found` members that are not yet."""
        new = [path for path in found if path not in self._line.members]
        for first in range(0, len(new), AT_ONCE):
            some = new[first : first + AT_ONCE]
            joining = [self._join_one(path, found[path], terms) for path in some]
            failed = [
                each for each in await asyncio.gather(*joining, return_exceptions=True) if each
            ]
            if failed:
                raise failed[0]

    async def _join_one(self, path: str, watched: Watched, terms: SubscriptionOptions) -> None:
        if watched.structure is None:
            # Not one child may be skipped.
            told = terms.features | {Feature.gap, Feature.reset}
            terms = replace(terms, latest=False, interval=0.0, features=told)
        try:
            await self._exchange.join(self._line, path, watched, terms)
        except ServiceError as error:
            if path == self._line.path or error.status != 404:
                raise

    async def _grow(self) -> None:
        """Join what containers tell of, until cancelled."""
        try:
            while True:
                paths = {await self._growth.get()}
                while not self._growth.empty():
                    paths.add(self._growth.get_nowait())
                await self._look_until_seen(paths)
        except TooManyNodes as error:
            # As a task that ends by itself it is not to be cancelled.
            self._tasks.clear()
            await self._exchange.end_line(self._line)
            self._exchange.say_error(self._line.id, self._line.path, error.status, error.detail)
        except Exception as error:  # noqa: BLE001  the connection ends with it
            self._exchange.fail(error)

    async def _look_until_seen(self, paths: set[str]) -> None:
        """Look, again and again while the database is away: the streams joined need none."""
        while True:
            try:
                await self._look(paths)
            except DatabaseError as error:
                if not is_passing(error):
                    raise
                logger.warning("New nodes below %r cannot be found now: %s", self._line.path, error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _look(self, paths: set[str]) -> None:
        if "" in paths:
            found = await self._listed()
        else:
            found = await database_sync_to_async(_at)(paths, self._exchange.principal)
        for path, watched in found.items():
            member = self._line.members.get(path)
            if member is not None and member.watched.uuid != watched.uuid:
                # Deleted, and created anew.
                await self._exchange.end_member(member, StreamEnd.DELETED)
        await self._join(found, self._anew)


def _below(path: str, principal: Principal, most: int) -> Found:
    """What `principal` may watch below the container at `path`. Raises TooManyNodes."""
    nodes = visible(below(Node.objects.all(), path), principal, *NEEDED)
    nodes = nodes.select_related("data_source").order_by("path")
    found = _watched(nodes[: most + 1], principal)
    if len(found) > most:
        raise TooManyNodes(most)
    return found


def _at(paths: Iterable[str], principal: Principal) -> Found:
    nodes = visible(Node.objects.filter(path__in=list(paths)), principal, *NEEDED)
    nodes = nodes.select_related("data_source")
    return _watched(nodes, principal)


def _watched(nodes: Iterable[Node], principal: Principal) -> Found:
    return {
        node.path: Watched(node.uuid, node.structure, principal)
        for node in nodes
        if node.family in STREAMABLE
    }


def _only(found: Found, *, containers: bool) -> Found:
    return {
        path: watched
        for path, watched in found.items()
        if (watched.structure is None) is containers
    }
