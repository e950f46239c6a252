"""WebSocket for the stream of one node."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer

from access.authentication.client_address import SCOPE_ADDRESS
from access.authentication.credentials import Credentials
from catalog.api.client_versions import reads_sizes

from ...protocol.endings import GONE_CODE, StreamEnd
from ...protocol.notices import Feature
from ...reading.feed import Item
from ...reading.new_entries import NewEntries
from ...reading.site_reader import SiteReader, current_reader
from ...reading.subscriber import Subscriber
from ...reading.subscriber_origin import SubscriberOrigin
from ..connections.authorization import AuthorizedNode, authorize
from ..connections.permission_watch import PermissionWatch, permission_watcher
from ..connections.registry import ConnectionSlot
from ..messages.child_visibility import child_filter
from ..messages.in_flight import in_flight_budget
from ..messages.renderer import Renderer
from ..messages.sender import MessageSender
from ..messages.slicing import NodeLocation, UpdateFilter
from ..messages.update_filters import build_filter
from .base import BaseStreamConsumer
from .handshake import EnvelopeFormat


class SingleStreamConsumer(BaseStreamConsumer):
    """Authorize, subscribe, then send the schema and one update after the other."""

    endpoint = "single"
    node: AuthorizedNode
    _reader: SiteReader
    _update_filter: UpdateFilter | None = None
    _subscriber: Subscriber | None = None
    _watch: PermissionWatch | None = None

    async def authorize(self, slot: ConnectionSlot, credentials: Credentials | None) -> None:
        """Subscribe if the principal of `credentials` may read the node."""
        handshake = self.handshake
        self.node = await database_sync_to_async(authorize)(handshake.path, credentials)
        self._update_filter = build_filter(handshake.options, self.node.structure, self.node.uuid)
        slot.assign(self.node.principal)
        self._reader = current_reader()
        self._watch = PermissionWatch(self.node, self._on_hidden)
        permission_watcher().add(self._watch)
        # Before the schema is sent, so that nothing written after that is missed.
        self._subscriber = await self._reader.subscribe(
            self.node.uuid, handshake.options, self._origin()
        )

    def _origin(self) -> SubscriberOrigin:
        address = self.scope.get(SCOPE_ADDRESS, "")
        return SubscriberOrigin(self.node.principal, address, "single")

    async def stream(self) -> None:
        """Send the schema, then updates. Raises StreamEnded."""
        subscriber = self._subscriber
        assert subscriber is not None
        text = self.handshake.envelope is EnvelopeFormat.json
        sender = MessageSender(self.scope, self.base_send, text)
        renderer = self._renderer(text)
        await sender.send([renderer.schema(subscriber.cursor)])
        relay = _Relay(sender, renderer, subscriber, self.node, self._watch)
        try:
            await relay.run()
        finally:
            sender.close()

    def _renderer(self, text: bool) -> Renderer:
        handshake = self.handshake
        location = NodeLocation(handshake.base_url, handshake.path)
        sizes = reads_sizes(handshake.user_agent)
        return Renderer(
            location,
            self.node.structure,
            text,
            self._update_filter,
            sizes=sizes,
            accepted=handshake.options.encodings,
        )

    async def unsubscribe(self) -> None:
        """Release the subscription."""
        if self._watch is not None:
            permission_watcher().remove(self._watch)
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            await self._reader.unsubscribe(subscriber)

    def _on_hidden(self) -> None:
        """Close as if the node were deleted: the client must not learn that it still exists."""
        self._terminate(self.close_code(StreamEnd.DELETED), StreamEnd.DELETED.value)

    def close_code(self, ending: StreamEnd) -> int:
        """Return the code to close with; clients have to announce that they know code 4010."""
        knows = Feature.child_deleted in self.handshake.options.features
        return GONE_CODE if knows and ending is StreamEnd.DELETED else super().close_code(ending)


class _Relay:
    """Send a subscriber's items, as far as the principal may see them."""

    def __init__(
        self,
        sender: MessageSender,
        renderer: Renderer,
        subscriber: Subscriber,
        node: AuthorizedNode,
        watch: PermissionWatch | None,
    ) -> None:
        self._sender = sender
        self._renderer = renderer
        self._subscriber = subscriber
        self._watch = watch
        self._watcher = permission_watcher()
        self._in_flight = in_flight_budget()
        self._child_filter = child_filter(node)
        if self._child_filter is None:
            subscriber.fast_path = self._try_send

    async def run(self) -> None:
        """Relay until cancelled. Raises StreamEnded."""
        while True:
            # Nothing is read or rendered before the connection can take it.
            await self._sender.drain()
            if self._subscriber.feed.behind and await self._replay():
                continue
            await self._send(await self._subscriber.receive())

    async def _replay(self) -> bool:
        """Send a batch from the log; False if there is none."""
        # A replay that never waits would otherwise be the only one served.
        await asyncio.sleep(0)
        async with self._in_flight.replays:
            items = await self._subscriber.receive_nowait()
            await self._send(items)
        return bool(items)

    async def _send(self, items: list[Item]) -> None:
        # Checked after the items were taken: they may be newer than a change of permissions.
        await self._watcher.wait_verified(self._watch)
        if self._child_filter is not None:
            items = await self._child_filter.filter(items)
        await self._sender.send(await self._renderer.render(items))
        self._subscriber.note_sent(items)

    def _try_send(self, new: NewEntries) -> bool:
        """Send new entries as they are notified, without waking the task of the connection."""
        if self._watcher.is_suspended(self._watch):
            return False
        return self._sender.try_send(new, self._renderer)


class RejectingConsumer(AsyncConsumer):
    """Reject a WebSocket at a URL that is not a stream's."""

    channel_layer_alias = ""

    async def websocket_connect(self, _: Mapping[str, Any]) -> None:
        """Reject the handshake with a 403 that has no body, as the reference server does."""
        await self.send({"type": "websocket.close"})

    async def websocket_disconnect(self, _: Mapping[str, Any]) -> None:
        """Stop: the rejection was sent."""
        raise StopConsumer
