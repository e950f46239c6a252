"""WebSocket for many streams, subscribed to and unsubscribed from at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async

from access.authentication.credentials import Credentials
from core.errors import BadRequest
from tiled_client.wire.subprotocols import MULTI

from ...config import required_cache
from ...reading.reader import current_reader
from ..connections.authorization import authenticate_subscriber
from ..connections.registry import ConnectionSlot
from ..messages.sender import MessageSender
from ..multiplex.commands import InvalidCommand, Subscribe, parse_command
from ..multiplex.session import MultiplexSession
from .base import BaseStreamConsumer
from .handshake import EnvelopeFormat


class MultiStreamConsumer(BaseStreamConsumer):
    """Carry out the commands of a client, and send what its subscriptions bring."""

    _session: MultiplexSession | None = None

    def check_subprotocol(self) -> None:
        """Reject a client that offers only unknown subprotocols."""
        offered = self.scope.get("subprotocols")
        if offered and self.scope.get("subprotocol") is None:
            raise BadRequest(
                f"Unsupported WebSocket subprotocols {', '.join(offered)!r:.200}. "
                f"Offer {MULTI}, or none."
            )

    async def authorize(self, slot: ConnectionSlot, credentials: Credentials | None) -> None:
        """Authenticate; each subscription is authorized by itself."""
        principal = await database_sync_to_async(authenticate_subscriber)(credentials)
        slot.assign(principal)
        text = self.handshake.envelope is EnvelopeFormat.json
        self._session = MultiplexSession(
            MessageSender(self.scope, self.base_send, text),
            current_reader(),
            principal,
            self.handshake.base_url,
            text=text,
            max_nodes=required_cache().max_nodes_per_connection,
        )

    async def stream(self) -> None:
        """Send until cancelled."""
        assert self._session is not None
        await self._session.run()

    async def receive_message(self, message: Mapping[str, Any]) -> None:
        """Subscribe or unsubscribe."""
        if self._session is None or not self._session.accepts_commands():
            return
        features = self.handshake.options.features
        try:
            command = parse_command(message.get("text"), message.get("bytes"), features)
        except InvalidCommand as error:
            self._session.reject(error)
            return
        if isinstance(command, Subscribe):
            await self._session.subscribe(command)
        else:
            await self._session.unsubscribe(command)

    async def unsubscribe(self) -> None:
        """Release all subscriptions."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
