"""Re-check permissions while subscriptions are open, and end those that are no longer allowed.

Each server process receives permission changes as broadcasts, and checks all its subscriptions in
one query. A broadcast that was lost is noticed by polling the version of the permissions.

States of a watcher; subscriptions that do not depend on tags are not registered and never wait:

| state | `_verified` | means | leaves on |
| --- | --- | --- | --- |
| verified | set | permissions of all subscriptions are known | a change: unverified |
| unverified | clear | a change arrived and was not checked yet; registered subscriptions are sent \
nothing | a check that began after the last change: verified |

So an update written after a change is never sent to a principal that the change excludes. A check
that fails, or during which another change arrives (`_changes` has moved on), leaves it unverified.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from django.db import DatabaseError

from access.events import PermissionsChanged, permissions_changed
from access.permissions.tag_permissions import Version, current_version
from access.principals import Scope
from catalog.permissions.node_permissions import batch_check_nodes, is_tag_restricted

from .authorization import REQUIRED_SCOPES, AuthorizedNode
from .group_broadcast import RETRY_SECONDS, GroupBroadcast, GroupListener

logger = logging.getLogger(__name__)

# Names on the Channels layer, shared with processes of the version before during an upgrade.
GROUP = "rights"
MESSAGE_TYPE = "rights.changed"
# Changes in quick succession are checked together: a check takes at most a fifth of the time, and
# the pause after it is no longer than this.
PAUSE_PER_CHECK = 4
MAX_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class PermissionWatch:
    """A subscription to a node, with callbacks for changes of its permissions.

    `on_hidden` ends it when the principal has not all of `scopes` on the node any more.
    `on_changed` looks for nodes that may have become visible.
    """

    node: AuthorizedNode
    on_hidden: Callable[[], None]
    on_changed: Callable[[], None] | None = None
    scopes: tuple[Scope, ...] = REQUIRED_SCOPES


class PermissionWatcher(GroupListener):
    """Watch over all subscriptions of one event loop that depend on access tags."""

    def __init__(self) -> None:
        super().__init__(GROUP)
        self._watches: set[PermissionWatch] = set()
        self._version: Version | None = None
        self._verified = asyncio.Event()
        self._verified.set()
        self._changes = 0

    def is_suspended(self, watch: PermissionWatch | None) -> bool:
        """Return whether a subscription must not be sent anything now."""
        return watch in self._watches and not self._verified.is_set()

    async def wait_verified(self, watch: PermissionWatch | None) -> None:
        """Wait until the permissions of a subscription are known."""
        if watch in self._watches:
            await self._verified.wait()

    def add(self, watch: PermissionWatch) -> None:
        """Watch over a subscription, unless its principal bypasses tags."""
        if is_tag_restricted(watch.node.principal):
            self._watches.add(watch)
            # The permissions may have changed since it was authorized.
            self.poll_soon()
            self.start()

    def remove(self, watch: PermissionWatch) -> None:
        """Stop watching over a subscription; harmless if already removed."""
        self._watches.discard(watch)
        if not self._watches:
            self.stop()
            self._verified.set()

    def invalidate(self) -> None:
        """Send nothing to the registered subscriptions until they are checked again."""
        self._changes += 1
        self._version = None
        self.poll_soon()
        if self._watches:
            self._verified.clear()

    def on_joined(self) -> None:
        """Treat the time before as a change: its broadcasts were missed."""
        self.invalidate()

    def on_message(self, message: Mapping[str, Any]) -> None:
        """Receive that permissions have changed."""
        if message["type"] == MESSAGE_TYPE:
            self.invalidate()

    async def poll(self) -> None:
        """Check all subscriptions; pause afterwards, so that changes in a row are batched."""
        changes, begun = self._changes, time.monotonic()
        try:
            await self._check_all()
        except DatabaseError as error:
            logger.warning("Cannot check the permissions of subscribers; retrying: %s", error)
            if not self._verified.is_set():
                self.poll_soon()
            await asyncio.sleep(RETRY_SECONDS)
            return
        if changes == self._changes:
            self._verified.set()
        took = time.monotonic() - begun
        await asyncio.sleep(min(MAX_PAUSE_SECONDS, PAUSE_PER_CHECK * took))

    async def _check_all(self) -> None:
        # Read before the check: a change in between is then found by the next poll.
        version = await database_sync_to_async(current_version)()
        watches = list(self._watches)
        allowed = await database_sync_to_async(_check)(watches)
        for watch, is_allowed in zip(watches, allowed, strict=True):
            if watch not in self._watches:
                continue
            if not is_allowed:
                watch.on_hidden()
            elif watch.on_changed is not None and version != self._version:
                watch.on_changed()
        self._version = version


def _check(watches: Sequence[PermissionWatch]) -> list[bool]:
    allowed: dict[PermissionWatch, bool] = {}
    for scopes in {watch.scopes for watch in watches}:
        alike = [watch for watch in watches if watch.scopes == scopes]
        nodes = [(watch.node.uuid, watch.node.principal) for watch in alike]
        allowed.update(zip(alike, batch_check_nodes(nodes, *scopes), strict=True))
    return [allowed[watch] for watch in watches]


_broadcast = GroupBroadcast(GROUP, PermissionWatcher)


def permission_watcher() -> PermissionWatcher:
    """Return the watcher of the running event loop."""
    return _broadcast.current()


def connect() -> None:
    """Broadcast every change of permissions from now on."""
    permissions_changed.connect(broadcast_change, dispatch_uid="streaming tell of rights")


def broadcast_change(*, event: PermissionsChanged, **_: object) -> None:
    """Have all subscriptions checked, in this process and in all others."""
    _broadcast.send(PermissionWatcher.invalidate, {"type": MESSAGE_TYPE})
