"""Filter a container's stream: send nothing about children that the subscriber cannot see.

A message about a child carries the access tags that the child had when the message was made. A
subscriber receives it if those tags let them see the child, unless the child of that name has
other tags by now which hide it.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from channels.db import database_sync_to_async

from access.principals import Principal
from catalog.permissions.node_permissions import batch_check_children, is_tag_restricted
from tiled_client.wire.messages import ChildCreated, ChildDeleted, ChildMetadataUpdated

from ...protocol import message_codec
from ...reading.entries import StreamEntry
from ...reading.feed import Item
from ..connections.authorization import AuthorizedNode

CHILD_MESSAGES = tuple(
    message_codec.type_prefix(message.type)
    for message in (ChildCreated, ChildMetadataUpdated, ChildDeleted)
)


class ChildFilter:
    """The children of one container that one principal can see."""

    def __init__(self, container: UUID, principal: Principal) -> None:
        self._container = container
        self._principal = principal

    async def filter(self, items: list[Item]) -> list[Item]:
        """Return those of `items` that the principal may receive by the permissions of now."""
        children = {
            index: _child(item.frame)
            for index, item in enumerate(items)
            if isinstance(item, StreamEntry) and item.frame.startswith(CHILD_MESSAGES, 1)
        }
        if not children:
            return items
        check = database_sync_to_async(batch_check_children)
        visible = await check(self._container, list(children.values()), self._principal)
        hidden = {
            index for index, is_visible in zip(children, visible, strict=True) if not is_visible
        }
        return [item for index, item in enumerate(items) if index not in hidden]


def child_filter(node: AuthorizedNode) -> ChildFilter | None:
    """Return the filter for the stream of `node`; None if all of it may be sent."""
    if node.structure is not None or not is_tag_restricted(node.principal):
        return None
    return ChildFilter(node.uuid, node.principal)


def _child(frame: bytes) -> tuple[str, Sequence[str]]:
    message = message_codec.decode(frame)
    return message["key"], message.get("access_tags") or ()
