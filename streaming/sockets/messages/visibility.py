"""What of a container's stream somebody is told: nothing of children that they do not see.

A message about a child says which access tags it had. It is told to who sees such a child, unless
the child of that name has other tags by now, and they do not see it any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from channels.db import database_sync_to_async

from access.principals import Principal
from catalog.permissions.node_permissions import limited, which_children
from tiled_client.wire.messages import ChildCreated, ChildDeleted, ChildMetadataUpdated

from ...protocol import message_codec
from ...reading.entries import Entry
from ...reading.feed import Item
from ..connections.authorization import Watched

OF_CHILDREN = tuple(
    message_codec.type_prefix(message.type)
    for message in (ChildCreated, ChildMetadataUpdated, ChildDeleted)
)


class Sight:
    """What one subscriber of one container sees."""

    def __init__(self, container: UUID, principal: Principal) -> None:
        self._container = container
        self._principal = principal

    async def of(self, items: list[Item]) -> list[Item]:
        """Those of `items` that may be told, by the rights of this moment."""
        spoken = {
            place: _child(item.frame)
            for place, item in enumerate(items)
            if isinstance(item, Entry) and item.frame.startswith(OF_CHILDREN, 1)
        }
        if not spoken:
            return items
        look = database_sync_to_async(which_children)
        seen = await look(self._container, list(spoken.values()), self._principal)
        hidden = {place for place, is_seen in zip(spoken, seen, strict=True) if not is_seen}
        return [item for place, item in enumerate(items) if place not in hidden]


def sight_of(watched: Watched) -> Sight | None:
    """How much of a stream is told; None: all of it."""
    if watched.structure is not None or not limited(watched.principal):
        return None
    return Sight(watched.uuid, watched.principal)


def _child(frame: bytes) -> tuple[str, Sequence[str]]:
    message = message_codec.decode(frame)
    return message["key"], message.get("access_tags") or ()
