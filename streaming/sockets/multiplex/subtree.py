"""Recursive subscription: follow a container and everything below it, also what is created later.

States:

| state | what is followed | how nodes are found | leaves on |
| --- | --- | --- | --- |
| opening | the root, then all containers, then a second list, then all else | by listing | all \
added: following; a refusal: closed |
| following | all nodes below the root | `container-child-created` in the stream of a container; a \
list after a gap, a reset, or a change of permissions | closed by the session |
| closed | nothing | | never |

No node is missed: the second list is made once all containers are followed, so that any node is
either in that list, or created later and announced by the stream of its container. Nodes of the
first list are followed from where the client asked, all others from their beginning.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from channels.db import database_sync_to_async
from django.db import DatabaseError

from access.principals import Principal
from catalog.lookup.nodes import filter_descendants
from catalog.models import Node
from catalog.permissions.visibility import filter_visible
from core.errors import ServiceError
from tiled_client.wire.messages import ChildCreated

from ...protocol import message_codec
from ...protocol.notices import Feature, Gap, Reset
from ...protocol.subscription_options import SubscriptionOptions
from ...reading.entries import StreamEntry
from ...reading.feed import Item
from ..connections.authorization import (
    REQUIRED_SCOPES,
    STREAMABLE_FAMILIES,
    AuthorizedNode,
    authorize_node,
)
from ..messages.error_mapping import is_transient

logger = logging.getLogger(__name__)

CHILD_CREATED = message_codec.type_prefix(ChildCreated.type)
MAX_CONCURRENT_JOINS = 16
RETRY_SECONDS = 1.0
# A path that stands for the whole subtree in the queue; no child has it.
WHOLE_SUBTREE = ""

NodesByPath = dict[str, AuthorizedNode]


class TooManyNodes(ServiceError):
    """A connection would follow more nodes than it may."""

    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"A connection can follow at most {limit} nodes "
            "(streaming_cache.max_nodes_per_connection). Subscribe to a container further down."
        )


class NodeSet(Protocol):
    """The nodes of one recursive subscription, as its session keeps them."""

    root: str

    def uuid_at(self, path: str) -> UUID | None:
        """Return the uuid of the node followed at `path`; None if there is none."""

    async def add(self, path: str, node: AuthorizedNode, options: SubscriptionOptions) -> None:
        """Follow a node. Raises ServiceError, TooManyNodes."""

    async def remove_deleted(self, path: str) -> None:
        """Report the node at `path` as deleted, and stop following it."""

    def start(self) -> None:
        """Start to send, the nodes in the order in which they were added."""

    async def reject(self, error: ServiceError) -> None:
        """Close the subscription with an error."""

    def fail(self, error: BaseException) -> None:
        """Close the whole connection."""


class SubtreeSubscription:
    """Keep the nodes of a recursive subscription complete."""

    def __init__(
        self,
        nodes: NodeSet,
        principal: Principal,
        options: SubscriptionOptions,
        max_nodes: int,
    ) -> None:
        self._nodes = nodes
        self._principal = principal
        self._options = options
        self._from_beginning = replace(options, start=0, since=None)
        self._max_nodes = max_nodes
        self._task: asyncio.Task[None] | None = None
        # Paths of children that were created, or WHOLE_SUBTREE.
        self._to_scan: asyncio.Queue[str] = asyncio.Queue()

    async def open(self) -> None:
        """Follow all existing nodes. Raises ServiceError."""
        path = self._nodes.root
        root = await database_sync_to_async(authorize_node)(
            path.split("/") if path else [], self._principal
        )
        is_container = root.structure is None
        before = {path: root}
        if is_container:
            before |= await self._list()
        # The root comes first, so that its schema is the first message.
        await self._add({path: root}, self._options)
        containers = {path: node for path, node in before.items() if node.structure is None}
        await self._add(containers, self._options)
        after = await self._list() if is_container else {}
        new = {path: node for path, node in after.items() if path not in before}
        await self._add(before, self._options)
        await self._add(new, self._from_beginning)
        self._nodes.start()
        self._task = asyncio.create_task(self._follow_new_nodes())

    def close(self) -> None:
        """Stop looking for new nodes."""
        if self._task is not None:
            self._task.cancel()

    def rescan(self) -> None:
        """List the subtree again: nodes may have become visible."""
        self._to_scan.put_nowait(WHOLE_SUBTREE)

    def observe(self, path: str, items: list[Item]) -> list[Item]:
        """Process children that the container at `path` announces; return the items to send."""
        for item in items:
            if isinstance(item, StreamEntry):
                if item.frame.startswith(CHILD_CREATED, 1):
                    key = message_codec.decode(item.frame)["key"]
                    self._to_scan.put_nowait(f"{path}/{key}" if path else key)
            elif isinstance(item, Gap | Reset):
                # The lost updates may include announcements of children.
                self.rescan()
        return [item for item in items if self._is_wanted(item)]

    def _is_wanted(self, item: Item) -> bool:
        """Return whether the client requested such items; containers get all notices."""
        features = self._options.features
        if isinstance(item, Gap):
            return Feature.gap in features
        return not isinstance(item, Reset) or Feature.reset in features

    async def _list(self) -> NodesByPath:
        list_below = database_sync_to_async(_list_below)
        found: NodesByPath = await list_below(self._nodes.root, self._principal, self._max_nodes)
        return found

    async def _add(self, nodes: NodesByPath, options: SubscriptionOptions) -> None:
        """Follow all of `nodes` that are not followed yet."""
        new = [path for path in nodes if self._nodes.uuid_at(path) is None]
        for first in range(0, len(new), MAX_CONCURRENT_JOINS):
            paths = new[first : first + MAX_CONCURRENT_JOINS]
            # All of them are awaited, so that none is added after this has raised.
            results = await asyncio.gather(
                *(self._add_one(path, nodes[path], options) for path in paths),
                return_exceptions=True,
            )
            errors = [result for result in results if result is not None]
            if errors:
                raise errors[0]

    async def _add_one(self, path: str, node: AuthorizedNode, options: SubscriptionOptions) -> None:
        if node.structure is None:
            # No announcement of a child may be skipped, and lost ones must be noticed.
            features = options.features | {Feature.gap, Feature.reset}
            options = replace(options, latest=False, interval=0.0, features=features)
        try:
            await self._nodes.add(path, node, options)
        except ServiceError as error:
            # Deleted since it was listed.
            if path == self._nodes.root or error.status != 404:
                raise

    async def _follow_new_nodes(self) -> None:
        """Follow the nodes that containers announce, until cancelled."""
        try:
            while True:
                paths = {await self._to_scan.get()}
                while not self._to_scan.empty():
                    paths.add(self._to_scan.get_nowait())
                await self._scan_with_retries(paths)
        except TooManyNodes as error:
            # `reject` closes this object, which must not cancel the task that runs this.
            self._task = None
            await self._nodes.reject(error)
        except Exception as error:  # noqa: BLE001  It ends the connection, which logs it.
            self._nodes.fail(error)

    async def _scan_with_retries(self, paths: set[str]) -> None:
        """Scan until the database answers: streams already followed do not need it."""
        while True:
            try:
                await self._scan(paths)
            except DatabaseError as error:
                if not is_transient(error):
                    raise
                logger.warning(
                    "Cannot look for new nodes below %r; retrying: %s", self._nodes.root, error
                )
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _scan(self, paths: set[str]) -> None:
        if WHOLE_SUBTREE in paths:
            found = await self._list()
        else:
            found = await database_sync_to_async(_find)(paths, self._principal)
        for path, node in found.items():
            if self._nodes.uuid_at(path) not in (None, node.uuid):
                # Deleted and created again under the same path.
                await self._nodes.remove_deleted(path)
        await self._add(found, self._from_beginning)


def _list_below(path: str, principal: Principal, limit: int) -> NodesByPath:
    """Return the nodes below `path` that `principal` may subscribe to. Raises TooManyNodes."""
    nodes = filter_visible(
        filter_descendants(Node.objects.all(), path), principal, *REQUIRED_SCOPES
    )
    nodes = nodes.select_related("data_source").order_by("path")
    found = _authorized(nodes[: limit + 1], principal)
    if len(found) > limit:
        raise TooManyNodes(limit)
    return found


def _find(paths: Iterable[str], principal: Principal) -> NodesByPath:
    """Return those of the nodes at `paths` that `principal` may subscribe to."""
    nodes = filter_visible(Node.objects.filter(path__in=list(paths)), principal, *REQUIRED_SCOPES)
    nodes = nodes.select_related("data_source")
    return _authorized(nodes, principal)


def _authorized(nodes: Iterable[Node], principal: Principal) -> NodesByPath:
    return {
        node.path: AuthorizedNode(node.uuid, node.structure, principal)
        for node in nodes
        if node.family in STREAMABLE_FAMILIES
    }
