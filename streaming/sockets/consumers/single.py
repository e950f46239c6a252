"""One WebSocket on one stream."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from channels.consumer import AsyncConsumer
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer

from access.authentication.credentials import Credentials
from catalog.api.client_versions import reads_sizes

from ...protocol.endings import GONE_CODE, StreamEnd
from ...protocol.notices import Feature
from ...reading.entries import Entry
from ...reading.feed import Item
from ...reading.reader import Reader, current_reader
from ...reading.subscriber import Subscriber
from ..connections.authorization import Watched, admit
from ..connections.permission_watch import Onlooker, onlookers
from ..connections.registry import Seat
from ..messages.in_flight import in_flight
from ..messages.renderer import Rendering
from ..messages.sender import Outlet
from ..messages.slicing import Cut, Origin, cut_of
from ..messages.visibility import sight_of
from .base import StreamSocket
from .handshake import Envelope


class StreamConsumer(StreamSocket):
    """Admits, subscribes, and then sends: the schema, and one update after the other."""

    watched: Watched
    _reader: Reader
    _cut: Cut | None = None
    _subscriber: Subscriber | None = None
    _onlooker: Onlooker | None = None

    async def admit(self, seat: Seat, credentials: Credentials | None) -> None:
        """Subscribe, if `credentials` may watch the node and the seat can be taken."""
        handshake = self.handshake
        self.watched = await database_sync_to_async(admit)(handshake.path, credentials)
        self._cut = cut_of(handshake.terms, self.watched.structure)
        seat.take(self.watched.principal)
        self._reader = current_reader()
        self._onlooker = Onlooker(self.watched, self._lose)
        onlookers().add(self._onlooker)
        # Before the schema is sent, so that nothing written after that is missed.
        self._subscriber = await self._reader.subscribe(self.watched.uuid, handshake.terms)

    async def speak(self) -> None:
        """Send the schema, and then what comes. Raises StreamEnded."""
        handshake, subscriber, watch = self.handshake, self._subscriber, onlookers()
        assert subscriber is not None
        text = handshake.envelope is Envelope.json
        origin = Origin(handshake.base_url, handshake.path)
        sizes = reads_sizes(handshake.user_agent)
        rendering = Rendering(origin, self.watched.structure, text, self._cut, sizes=sizes)
        outlet = Outlet(self.scope, self.base_send, text)
        await outlet.send([rendering.schema(subscriber.cursor)])

        def express(entries: Sequence[Entry]) -> bool:
            forms = None if watch.holds(self._onlooker) else rendering.at_once(entries)
            return forms is not None and outlet.offer(forms)

        sight = sight_of(self.watched)
        if sight is None:
            subscriber.fast_path = express

        async def pass_on(items: list[Item]) -> None:
            await watch.settled(self._onlooker)
            seen = items if sight is None else await sight.of(items)
            await outlet.send(await rendering.forms(seen))

        async def replayed() -> bool:
            # One that never has to wait would otherwise be the only one served.
            await asyncio.sleep(0)
            async with in_flight().replays:
                items = await subscriber.receive_nowait()
                await pass_on(items)
            return bool(items)

        try:
            while True:
                # Nothing is made before there is room for it.
                await outlet.drained()
                if subscriber.feed.behind and await replayed():
                    continue
                await pass_on(await subscriber.receive())
        finally:
            outlet.close()

    async def leave(self) -> None:
        """Unsubscribe."""
        if self._onlooker is not None:
            onlookers().remove(self._onlooker)
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            await self._reader.unsubscribe(subscriber)

    def _lose(self) -> None:
        """The node is hidden from now on, and looks as if it were gone."""
        self._end_early(self.close_code(StreamEnd.DELETED), StreamEnd.DELETED.value)

    def close_code(self, ending: StreamEnd) -> int:
        """With which code to close: some clients know one for deleted nodes."""
        knows = Feature.child_deleted in self.handshake.terms.features
        return GONE_CODE if knows and ending is StreamEnd.DELETED else super().close_code(ending)


class NoSuchStream(AsyncConsumer):
    """Refuses what is no stream's address."""

    channel_layer_alias = ""

    async def websocket_connect(self, _: Mapping[str, Any]) -> None:
        """Refuse, which is a bare 403."""
        await self.send({"type": "websocket.close"})

    async def websocket_disconnect(self, _: Mapping[str, Any]) -> None:
        """Done."""
        raise StopConsumer
