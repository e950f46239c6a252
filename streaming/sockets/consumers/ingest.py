"""WebSocket on which a producer writes to many nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from access.authentication.credentials import Credentials
from access.principals import Scope
from core.errors import BadRequest
from tiled_client.wire.subprotocols import INGEST

from ...ingest.intake import Intake
from ...ingest.opened_nodes import OpenedNode
from ...ingest.opening import authenticate_producer
from ...ingest.session import IngestSession
from ...ingest.threads import in_thread
from ...ingest_config import ingest_settings
from ..connections.authorization import AuthorizedNode
from ..connections.permission_watch import PermissionWatch, permission_watcher
from ..connections.registry import ConnectionSlot
from .base import BaseStreamConsumer

# Extension of the servers: a limit of messages, and where needed, how to stop reading.
EXTENSION = "tiled.intake"


class IngestConsumer(BaseStreamConsumer):
    """Authenticate a producer, then pass on its frames until it disconnects."""

    endpoint = "ingest"
    _session: IngestSession | None = None

    def check_subprotocol(self) -> None:
        """Reject a client that does not offer the protocol."""
        if INGEST not in (self.scope.get("subprotocols") or ()):
            raise BadRequest(f"Offer the WebSocket subprotocol {INGEST} to write to this endpoint.")
        self.scope["subprotocol"] = INGEST

    async def authorize(self, slot: ConnectionSlot, credentials: Credentials | None) -> None:
        """Authenticate; the rights to write are checked when a node is opened."""
        principal = await in_thread(authenticate_producer, credentials)
        slot.assign(principal)
        settings = ingest_settings()
        extension = self.scope.get("extensions", {}).get(EXTENSION, {})
        if "limit" in extension:
            extension["limit"](settings.frame_bytes)
        intake = Intake(settings, extension.get("pause"), extension.get("resume"))
        self._session = IngestSession(self._send_bytes, principal, settings, _Gate(), intake)

    async def stream(self) -> None:
        """Send the greeting, and wait for the end."""
        assert self._session is not None
        await self._session.greet()
        await asyncio.Event().wait()

    async def receive_message(self, message: Mapping[str, Any]) -> None:
        """Take a frame; wait until there is room for another."""
        frame = message.get("bytes")
        if frame is None:
            raise BadRequest("Frames are binary messages.")
        if self._session is not None:
            await self._session.receive(frame)

    async def unsubscribe(self) -> None:
        """Carry out what was received; nothing more once the connection was ended from outside."""
        session, self._session = self._session, None
        if session is None:
            return
        if self._termination is not None:
            session.discard()
        await session.drain()
        session.close()

    def _terminate(self, code: int, reason: str) -> None:
        """Carry out nothing more, and close."""
        if self._session is not None:
            self._session.discard()
        super()._terminate(code, reason)

    async def _send_bytes(self, message: bytes) -> None:
        # Once the producer is gone, what it has sent is carried out all the same.
        with suppress(OSError):
            await self.send({"type": "websocket.send", "bytes": message})


class _Gate:
    """Watches the permissions of the nodes that a producer has opened."""

    def watch(self, node: OpenedNode, on_hidden: Callable[[], None]) -> PermissionWatch:
        """Watch over a node."""
        authorized = AuthorizedNode(node.uuid, node.structure, node.principal)
        watch = PermissionWatch(authorized, on_hidden, scopes=(Scope.write_data,))
        permission_watcher().add(watch)
        return watch

    async def wait(self, watch: object) -> None:
        """Wait until the permissions on a node are known."""
        assert isinstance(watch, PermissionWatch)
        await permission_watcher().wait_verified(watch)

    def unwatch(self, watch: object) -> None:
        """Stop watching."""
        assert isinstance(watch, PermissionWatch)
        permission_watcher().remove(watch)
