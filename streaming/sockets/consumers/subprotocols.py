"""WebSocket subprotocols of `stream/multi`.

To add a protocol at the same URL, add a consumer here under the name that its clients offer. A
client that offers none gets the default.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tiled_client.wire.subprotocols import MULTI

from .multi import MultiStreamConsumer

Application = Callable[[Any, Any, Any], Awaitable[None]]

PROTOCOLS: Mapping[str, Application] = {MULTI: MultiStreamConsumer.as_asgi()}
DEFAULT = MULTI


def select_subprotocol(offered: Sequence[str]) -> str | None:
    """Return the first of the offered subprotocols that this server supports."""
    return next((name for name in offered if name in PROTOCOLS), None)


async def multi_application(scope: Any, receive: Any, send: Any) -> Any:
    """Run one connection with the negotiated subprotocol.

    The default consumer rejects a client that offers only unknown ones.
    """
    name = select_subprotocol(scope.get("subprotocols") or ())
    await PROTOCOLS[name or DEFAULT]({**scope, "subprotocol": name}, receive, send)
