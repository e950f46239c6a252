"""The protocols of `stream/multi`, of which a client chooses one by its WebSocket subprotocol.

Another protocol for the same address is another entry here: a consumer of its own, under the name
that its clients offer. A client that offers none gets the default.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tiled_client.wire.subprotocols import MULTI

from ..consumers.multi import MultiConsumer

Application = Callable[[Any, Any, Any], Awaitable[None]]

PROTOCOLS: Mapping[str, Application] = {MULTI: MultiConsumer.as_asgi()}
DEFAULT = MULTI


def chosen(offered: Sequence[str]) -> str | None:
    """Return the first of the offered subprotocols that this server speaks."""
    return next((name for name in offered if name in PROTOCOLS), None)


async def multi(scope: Any, receive: Any, send: Any) -> Any:
    """Run one connection in the protocol that was negotiated.

    A client that offers only others is refused by the default.
    """
    name = chosen(scope.get("subprotocols") or ())
    await PROTOCOLS[name or DEFAULT]({**scope, "subprotocol": name}, receive, send)
