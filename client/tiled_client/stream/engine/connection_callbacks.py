"""State and callbacks of a connection for several nodes."""

from __future__ import annotations

from typing import Any, cast

from ...errors import TiledClientError
from ...public_surface import PublicSurface
from ..protocol.notices import ConnectionLost, ConnectionRestored
from .callback_registry import CallbackRegistry
from .outage import ConnectionOutage, ConnectionState
from .stream_engine import StreamEngine
from .subscription_state import Delivery, SubscriptionState


class ConnectionObserver:
    """Takes the place of a subscription in the events of the connection itself."""

    cancelled = False

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        self._outage = ConnectionOutage(owner)

    def on_opened(self) -> list[Delivery]:
        """Return the event of a connection that replaces a lost one."""
        return [self._delivery(event) for event in self._outage.end()]

    def on_lost(self, error: TiledClientError) -> list[Delivery]:
        """Return the event of a lost connection."""
        return [self._delivery(event) for event in self._outage.begin(error)]

    def _delivery(self, event: ConnectionLost | ConnectionRestored) -> Delivery:
        return Delivery(cast("SubscriptionState", self), event)


class ConnectionCallbacks(PublicSurface):
    """The registries and properties of a connection for several nodes."""

    _root: str

    def __init__(self) -> None:
        self.connection_lost: CallbackRegistry[ConnectionLost] = CallbackRegistry("connection_lost")
        self.connection_restored: CallbackRegistry[ConnectionRestored] = CallbackRegistry(
            "connection_restored"
        )

    @property
    def state(self) -> ConnectionState:
        """The state: "new", "connecting", "live", "reconnecting" or "closed"."""
        return self._engine().connection_state

    @property
    def connected(self) -> bool:
        """True while there is a connection."""
        return self.state == "live"

    def mark_ready(self) -> None:
        """Do nothing: subscriptions are waited for, and not the connection."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._root} {self.state}>"

    def _engine(self) -> StreamEngine:
        raise NotImplementedError
