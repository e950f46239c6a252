"""One WebSocket on many streams, subscribed to and unsubscribed from at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async

from access.authentication.credentials import Credentials
from core.errors import BadRequest
from tiled_client.wire.subprotocols import MULTI

from ...config import required_cache
from ...reading.reader import current_reader
from ..connections.authorization import identify
from ..connections.registry import Seat
from ..messages.sender import Outlet
from ..multiplex.commands import BadControl, Subscribe, read_control
from ..multiplex.session import Exchange
from .base import StreamSocket
from .handshake import Envelope


class MultiConsumer(StreamSocket):
    """Does what the client says, and sends what its subscriptions bring."""

    _exchange: Exchange | None = None

    def check_subprotocol(self) -> None:
        """Refuse a client that offers subprotocols, but none that is spoken here."""
        offered = self.scope.get("subprotocols")
        if offered and self.scope.get("subprotocol") is None:
            raise BadRequest(
                f"None of the WebSocket subprotocols {', '.join(offered)!r:.200} is spoken here. "
                f"Offer {MULTI}, or none."
            )

    async def admit(self, seat: Seat, credentials: Credentials | None) -> None:
        """Let in whoever may watch anything."""
        principal = await database_sync_to_async(identify)(credentials)
        seat.take(principal)
        text = self.handshake.envelope is Envelope.json
        self._exchange = Exchange(
            Outlet(self.scope, self.base_send, text),
            current_reader(),
            principal,
            self.handshake.base_url,
            text=text,
            most_nodes=required_cache().max_nodes_per_connection,
        )

    async def speak(self) -> None:
        """Send until cancelled."""
        assert self._exchange is not None
        await self._exchange.run()

    async def hear(self, message: Mapping[str, Any]) -> None:
        """Subscribe or unsubscribe."""
        if self._exchange is None or not self._exchange.listens():
            return
        features = self.handshake.terms.features
        try:
            asked = read_control(message.get("text"), message.get("bytes"), features)
        except BadControl as error:
            self._exchange.refuse(error)
            return
        if isinstance(asked, Subscribe):
            await self._exchange.subscribe(asked)
        else:
            await self._exchange.unsubscribe(asked)

    async def leave(self) -> None:
        """Leave all streams."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            await exchange.close()
