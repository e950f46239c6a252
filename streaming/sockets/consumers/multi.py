"""WebSocket for many streams, subscribed to and unsubscribed from at any time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.db import database_sync_to_async

from access.authentication.client_address import SCOPE_ADDRESS
from access.authentication.credentials import Credentials
from core.errors import BadRequest
from tiled_client.wire.subprotocols import MULTI

from ...config import required_cache
from ...reading.site_reader import current_reader
from ..connections.authorization import authenticate_subscriber
from ..connections.registry import ConnectionSlot
from ..messages.sender import MessageSender
from ..multiplex.commands import InvalidCommand, Subscribe, Time, Unsubscribe, parse_command
from ..multiplex.session import MultiplexSession
from .base import BaseStreamConsumer
from .handshake import EnvelopeFormat


class MultiStreamConsumer(BaseStreamConsumer):
    """Carry out the commands of a client, and send the messages of its subscriptions."""

    endpoint = "multi"
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
            address=self.scope.get(SCOPE_ADDRESS, ""),
        )

    async def stream(self) -> None:
        """Send until cancelled."""
        assert self._session is not None
        await self._session.run()

    async def receive_message(self, message: Mapping[str, Any]) -> None:
        """Subscribe, unsubscribe, count acknowledged updates, or tell the time."""
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
        elif isinstance(command, Time):
            self._session.tell_time(command)
        elif isinstance(command, Unsubscribe):
            await self._session.unsubscribe(command)
        else:
            self._session.acknowledge(command)

    async def unsubscribe(self) -> None:
        """Release all subscriptions."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()
