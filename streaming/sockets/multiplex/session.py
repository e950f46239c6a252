"""The session of a connection for many nodes: its subscriptions, and replies to its commands.

States of a subscription:

| state | in `_subscriptions` | its nodes | leaves on |
| --- | --- | --- | --- |
| opening | yes | are authorized and joined; of a recursive one nothing is sent | all joined: \
active; any refusal: closed, with an `error` reply |
| active | yes | are served (see subscriptions.py) | `unsubscribe`, the end of its root node, an \
error in its subtree: closed |
| closed | no, the id is free | are left | never |

A command arrives while other tasks serve nodes, and permission checks or the observer of a subtree
may close nodes at any time: `closed` has to be checked again after every await.
"""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import msgpack
from channels.db import database_sync_to_async

from access.principals import Principal
from core.errors import BadRequest, ServiceError

from ...protocol import message_codec
from ...protocol.endings import GONE_CODE, StreamEnd
from ...protocol.subscription_options import SubscriptionOptions
from ...reading.site_reader import SiteReader
from ...reading.subscriber_origin import SubscriberOrigin
from ..connections.authorization import AuthorizedNode, authorize_node
from ..connections.permission_watch import PermissionWatch, permission_watcher
from ..messages import json_envelope
from ..messages.child_visibility import child_filter
from ..messages.renderer import Renderer
from ..messages.sender import MessageSender
from ..messages.slicing import NodeLocation
from ..messages.update_filters import build_filter
from .commands import Acknowledge, InvalidCommand, Subscribe, Time, Unsubscribe
from .scheduler import Scheduler
from .subscriptions import MultiplexSubscription, SubscribedNode
from .subtree import SubtreeSubscription, TooManyNodes

MAX_PENDING_REPLIES = 1000
UNREAD_REPLIES = "The client does not read the replies to its commands."
CLOSE_CODES = {StreamEnd.CLOSED: 1000, StreamEnd.DELETED: GONE_CODE}


class MultiplexSession:
    """All subscriptions of one connection."""

    def __init__(
        self,
        sender: MessageSender,
        reader: SiteReader,
        principal: Principal,
        base_url: str,
        *,
        text: bool,
        max_nodes: int,
        address: str = "",
    ) -> None:
        self._sender = sender
        self._reader = reader
        self._principal = principal
        self._base_url = base_url
        self._text = text
        self._max_nodes = max_nodes
        self._address = address
        self._scheduler = Scheduler(sender, self.end_node)
        self._subscriptions: dict[str, MultiplexSubscription] = {}
        self._node_count = 0
        # Referenced here, since the event loop keeps only weak references to tasks.
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled. Raises StreamEnded if Redis is lost, and other failures."""
        await self._scheduler.run()

    def accepts_commands(self) -> bool:
        """Return whether to handle a command; a client that reads no replies is disconnected."""
        # The end of every node may have to be reported at the same time.
        if self._scheduler.pending_replies > self._max_nodes + MAX_PENDING_REPLIES:
            self._scheduler.fail(BadRequest(UNREAD_REPLIES))
        return not self._scheduler.failed

    async def subscribe(self, command: Subscribe) -> None:
        """Open a subscription; send an error if that is refused."""
        path = "/".join(command.path)
        if command.id in self._subscriptions:
            self.send_error(command.id, path, 400, f"The id {command.id!r} is in use.")
            return
        subscription = MultiplexSubscription(command.id, path, command.max_unacknowledged)
        self._subscriptions[command.id] = subscription
        try:
            if command.recursive:
                await self._open_subtree(subscription, command.options)
            else:
                node = await database_sync_to_async(authorize_node)(command.path, self._principal)
                await self.add_node(subscription, path, node, command.options)
        except ServiceError as error:
            await self.close_subscription(subscription)
            # InvalidOptions has status 403 for handshakes, where the reference server has it.
            status = 400 if isinstance(error, BadRequest) else error.status
            self.send_error(command.id, path, status, error.detail)
        except BaseException:
            await self.close_subscription(subscription)
            raise

    async def unsubscribe(self, command: Unsubscribe) -> None:
        """Close a subscription. Messages already sent may still arrive, before the reply."""
        subscription = self._subscriptions.get(command.id)
        if subscription is None:
            self.send_error(command.id, None, 404, f"There is no subscription {command.id!r}.")
            return
        await self.close_subscription(subscription)
        self._reply(command.id, subscription.path, {"type": "unsubscribed"})

    def acknowledge(self, command: Acknowledge) -> None:
        """Count processed updates. The subscription may have ended meanwhile: no error then."""
        subscription = self._subscriptions.get(command.id)
        if subscription is not None:
            self._scheduler.acknowledge(subscription, command.updates)

    def tell_time(self, command: Time) -> None:
        """Send the time of the clock by which updates of this server get their timestamps."""
        self._reply(command.id, None, {"type": "time", "timestamp": message_codec.utc_timestamp()})

    def reject(self, error: InvalidCommand) -> None:
        """Send an error for a message that is not a valid command."""
        self.send_error(error.id, None, 400, error.detail)

    def send_error(self, id_: str | None, path: str | None, status: int, detail: str) -> None:
        """Send an error about a command or a subscription."""
        self._reply(id_, path, {"type": "error", "status": status, "detail": detail})

    def fail(self, error: BaseException) -> None:
        """Have `run` raise `error`, which closes the connection."""
        self._scheduler.fail(error)

    async def close(self) -> None:
        """Close all subscriptions."""
        self._sender.close()
        for subscription in list(self._subscriptions.values()):
            await self.close_subscription(subscription)

    async def add_node(
        self,
        subscription: MultiplexSubscription,
        path: str,
        node: AuthorizedNode,
        options: SubscriptionOptions,
    ) -> None:
        """Subscribe to a node as part of `subscription`. Raises ServiceError, TooManyNodes."""
        update_filter = build_filter(options, node.structure, node.uuid)
        if self._node_count >= self._max_nodes:
            raise TooManyNodes(self._max_nodes)
        # Counted before the await, since other nodes are added meanwhile.
        self._node_count += 1
        try:
            origin = SubscriberOrigin(self._principal, self._address, "multi")
            subscriber = await self._reader.subscribe(node.uuid, options, origin)
        except BaseException:
            self._node_count -= 1
            raise
        location = NodeLocation(self._base_url, path.split("/") if path else [])
        renderer = Renderer(
            location, node.structure, self._text, update_filter, accepted=options.encodings
        )
        prefix = self._prefix(subscription.id, path)
        added = SubscribedNode(subscription, path, node, subscriber, renderer, prefix)
        if subscription.closed:
            await self._close_node(added)
            return
        subscription.nodes[path] = added
        self._watch_permissions(added)
        added.schema = renderer.schema(subscriber.cursor, _schema_keys(subscription))
        if node.structure is not None:
            # Entries of containers are filtered by child, which takes a query.
            self._scheduler.enable_inline(added)
        if subscription.started:
            self._scheduler.enqueue(added)

    def start(self, subscription: MultiplexSubscription) -> None:
        """Start to send for all nodes of `subscription`, in the order in which they were added."""
        subscription.started = True
        for node in subscription.nodes.values():
            self._scheduler.enqueue(node)

    async def end_node(self, node: SubscribedNode, ending: StreamEnd) -> None:
        """Send `closed` for a node, and release or keep its subscription."""
        subscription = node.subscription
        message = {"type": "closed", "code": CLOSE_CODES[ending], "reason": ending.value}
        self._reply(subscription.id, node.path, message)
        if ending is StreamEnd.CLOSED and subscription.observer is not None:
            # Its producer may resume, and the client cannot subscribe to a part of a subtree.
            node.subscriber.resume()
            self._scheduler.enqueue(node)
        elif node.is_root:
            await self.close_subscription(subscription)
        else:
            await self._close_node(node)

    async def close_subscription(self, subscription: MultiplexSubscription) -> None:
        """Leave all nodes of a subscription; its id may be used again."""
        subscription.closed = True
        if self._subscriptions.get(subscription.id) is subscription:
            del self._subscriptions[subscription.id]
        if subscription.observer is not None:
            subscription.observer.close()
        for node in list(subscription.nodes.values()):
            await self._close_node(node)

    async def _open_subtree(
        self, subscription: MultiplexSubscription, options: SubscriptionOptions
    ) -> None:
        # A client that has received the first schema may rely on every node being followed.
        subscription.started = False
        nodes = _SubtreeNodes(self, subscription)
        subtree = SubtreeSubscription(nodes, self._principal, options, self._max_nodes)
        subscription.observer = subtree
        await subtree.open()

    def _watch_permissions(self, node: SubscribedNode) -> None:
        """Filter children that are hidden from the client, and end the node once it is hidden."""
        observer = node.subscription.observer
        on_changed = observer.rescan if observer is not None and node.is_root else None
        node.child_filter = child_filter(node.node)
        node.watch = PermissionWatch(node.node, partial(self._on_hidden, node), on_changed)
        permission_watcher().add(node.watch)

    def _on_hidden(self, node: SubscribedNode) -> None:
        """End a node as if it were deleted: the client must not learn that it still exists."""
        if node.closed:
            return
        node.hidden = True
        task = asyncio.ensure_future(self.end_node(node, StreamEnd.DELETED))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _close_node(self, node: SubscribedNode) -> None:
        """Leave the stream of a node; harmless if already left."""
        if node.closed:
            return
        node.closed = True
        self._node_count -= 1
        if node.watch is not None:
            permission_watcher().remove(node.watch)
        if node.subscription.nodes.get(node.path) is node:
            del node.subscription.nodes[node.path]
        if node.waiter is not None:
            node.subscriber.cancel_wait(node.waiter)
        await self._reader.unsubscribe(node.subscriber)

    def _reply(self, id_: str | None, path: str | None, message: dict[str, object]) -> None:
        whole = [id_, path, message]
        self._scheduler.reply(
            json_envelope.dumps(whole) if self._text else message_codec.encode(whole)
        )

    def _prefix(self, id_: str, path: str) -> bytes:
        """Return the prefix of every message about a node: `[id, path,`."""
        if self._text:
            return json_envelope.dumps([id_, path])[:-1] + b","
        # 0x93 is the header of a msgpack array of three elements; the message is the third.
        return b"\x93" + bytes(msgpack.packb(id_) + msgpack.packb(path))


def _schema_keys(subscription: MultiplexSubscription) -> dict[str, int]:
    """Return the keys that tell the client whether to acknowledge updates."""
    limit = subscription.max_unacknowledged
    return {"max_unacknowledged": limit} if limit else {}


class _SubtreeNodes:
    """Give a recursive subscription access to its own nodes, and to nothing else."""

    def __init__(self, session: MultiplexSession, subscription: MultiplexSubscription) -> None:
        self._session = session
        self._subscription = subscription
        self.root = subscription.path

    def uuid_at(self, path: str) -> UUID | None:
        """Return the uuid of the node followed at `path`; None if there is none."""
        node = self._subscription.nodes.get(path)
        return None if node is None else node.node.uuid

    async def add(self, path: str, node: AuthorizedNode, options: SubscriptionOptions) -> None:
        """Follow a node."""
        await self._session.add_node(self._subscription, path, node, options)

    async def remove_deleted(self, path: str) -> None:
        """Report the node at `path` as deleted, and stop following it."""
        node = self._subscription.nodes.get(path)
        if node is not None:
            await self._session.end_node(node, StreamEnd.DELETED)

    def start(self) -> None:
        """Start to send."""
        self._session.start(self._subscription)

    async def reject(self, error: ServiceError) -> None:
        """Close the subscription with an error."""
        await self._session.close_subscription(self._subscription)
        self._session.send_error(self._subscription.id, self.root, error.status, error.detail)

    def fail(self, error: BaseException) -> None:
        """Close the whole connection."""
        self._session.fail(error)
