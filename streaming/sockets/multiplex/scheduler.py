"""Serve many streams over one connection in turn, a bounded batch each.

Entries are taken from a stream only when the connection can take more, so that a client that does
not read costs no memory, however many streams it subscribes to. Replies to commands wait in the
same queue, so that they keep their place among the updates.

The sockets between the two may buffer megabytes, so that a slow client receives what was newest
seconds ago. A client that wants the newest limits the updates that it has not acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from ...protocol.endings import StreamEnd, StreamEnded
from ...reading.entries import EncodedMessage, StreamEntry
from ...reading.feed import Item
from ...reading.new_entries import NewEntries
from ..connections.permission_watch import permission_watcher
from ..messages.in_flight import in_flight_budget
from ..messages.sender import MessageSender
from .subscriptions import MultiplexSubscription, SubscribedNode

OnEnded = Callable[[SubscribedNode, StreamEnd], Awaitable[None]]


class Scheduler:
    """Queue of nodes that may have something to send, and of replies.

    `on_ended` is called when the stream of a node is over.
    """

    def __init__(self, sender: MessageSender, on_ended: OnEnded) -> None:
        self._sender = sender
        self._on_ended = on_ended
        self._watcher = permission_watcher()
        self._in_flight = in_flight_budget()
        self._queue: deque[SubscribedNode | EncodedMessage] = deque()
        self._pending_replies = 0
        self._wake = asyncio.Event()
        self._serving = False
        self._failure: BaseException | None = None

    @property
    def pending_replies(self) -> int:
        """The number of replies that are not sent yet."""
        return self._pending_replies

    @property
    def failed(self) -> bool:
        """Whether `run` raises at its next step."""
        return self._failure is not None

    async def run(self) -> None:
        """Send until cancelled. Raises StreamEnded if Redis is lost, and the error of `fail`."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue and self._failure is None:
                turn = self._queue.popleft()
                self._serving = True
                if isinstance(turn, SubscribedNode):
                    await self._serve(turn)
                else:
                    self._pending_replies -= 1
                    await self._sender.send([turn])
                self._serving = False
                # A connection that never waits would otherwise be the only one served.
                await asyncio.sleep(0)
            if self._failure is not None:
                raise self._failure

    def fail(self, error: BaseException) -> None:
        """Have `run` raise `error`."""
        self._failure = error
        self._wake.set()

    def reply(self, message: EncodedMessage) -> None:
        """Queue a reply."""
        self._queue.append(message)
        self._pending_replies += 1
        self._wake.set()

    def enqueue(self, node: SubscribedNode) -> None:
        """Queue a node that may have something to send, unless it is closed."""
        node.waiter = None
        if not node.closed:
            self._queue.append(node)
            self._wake.set()

    def enable_inline(self, node: SubscribedNode) -> None:
        """Let short updates of a node be sent as they are notified, while it waits for them."""
        node.subscriber.fast_path = partial(self._try_send, node)

    def acknowledge(self, subscription: MultiplexSubscription, updates: int) -> None:
        """Note that the client has processed updates; continue to send if it awaits more."""
        subscription.unacknowledged = max(0, subscription.unacknowledged - updates)
        if subscription.full:
            return
        for node in subscription.nodes.values():
            if node.held:
                node.held = False
                self.enqueue(node)

    async def _serve(self, node: SubscribedNode) -> None:
        """Send a batch of a node, or wait for its next entries if there is none."""
        if node.subscription.full:
            node.held = True
            return
        # Before anything is taken from the stream or rendered.
        await self._sender.drain()
        if node.closed:
            return
        if node.subscriber.feed.behind:
            async with self._in_flight.replays:
                await self._serve_batch(node)
        else:
            await self._serve_batch(node)

    async def _serve_batch(self, node: SubscribedNode) -> None:
        schema, node.schema = node.schema, None
        messages = [] if schema is None else [schema]
        try:
            items = await node.subscriber.receive_nowait()
        except StreamEnded as end:
            await self._sender.send(messages, node.prefix)
            if end.ending is StreamEnd.LOST:
                # Redis is lost for all nodes of the connection.
                raise
            await self._on_ended(node, end.ending)
            return
        may_have_more = bool(items or messages)
        # After the items were taken: they may be newer than a change of permissions.
        await self._watcher.wait_verified(node.watch)
        if node.hidden:
            return
        items = await self._filter(node, items)
        rendered = await node.renderer.render(items)
        # Notices are always rendered, updates only if the filter leaves something of them.
        notices = sum(not isinstance(item, StreamEntry) for item in items)
        node.subscription.unacknowledged += len(rendered) - notices
        await self._sender.send(messages + rendered, node.prefix)
        node.subscriber.note_sent(items)
        if may_have_more:
            # There may be more in the stream, or more was appended while this was sent.
            self.enqueue(node)
        elif not node.closed:
            node.waiter = node.subscriber.waiter()
            node.waiter.add_done_callback(lambda _: self.enqueue(node))

    async def _filter(self, node: SubscribedNode, items: list[Item]) -> list[Item]:
        """Return the visible ones of `items`, after passing them to the subtree's observer."""
        if node.child_filter is not None:
            items = await node.child_filter.filter(items)
        observer = node.subscription.observer
        if observer is not None and node.node.structure is None:
            items = observer.observe(node.path, items)
        return items

    def _try_send(self, node: SubscribedNode, new: NewEntries) -> bool:
        """Send new entries of a waiting node at once, if that overtakes nothing queued."""
        if self._queue or self._serving or self._watcher.is_suspended(node.watch):
            return False
        return self._sender.try_send(new, node.renderer, node.prefix)
