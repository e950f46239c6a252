"""Registry of the WebSocket connections of one event loop: limits, and ends from outside.

A connection reserves a slot before its handshake is accepted, is assigned to a principal once that
is authenticated, and releases the slot when it is over. The registry ends connections whose
credentials are revoked or expire.

States of a connection; the registry holds all of it, and a slot is only the handle:

| state | counts towards | leaves on |
| --- | --- | --- |
| reserved | `max_connections` | `mark_pending`: pending; `assign`: assigned |
| pending (accepted, not authenticated) | also `max_unauthenticated_connections` | `assign`: \
assigned; ended as the oldest of the busiest address: reserved |
| assigned | `max_connections`, the owner's `connections_per_key`, and without a key \
`connections_per_address`; not `max_unauthenticated_connections` | its end is called: still \
assigned |
| released | nothing | never |

`release` leads from every state to released. A failed `assign` leads back to reserved. Calling the
`end` of a connection does not release its slot: the connection does so when it has closed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from access.authentication.revalidation import CredentialIds, ValidCredentials
from access.principals import Principal
from access.unauthorized import EXPIRED as TOKEN_EXPIRED
from core.errors import TooMany, Unauthorized

from ...config import StreamingCacheSettings
from ...metrics import UNAUTHENTICATED
from ...shared_counters import SharedCounts

End = Callable[[int, str], None]
"""Ends a connection with a close code and a reason. Called on the event loop; must not block."""

KEY_REVOKED = "Key revoked"
KEY_EXPIRED = "Key expired"
SESSION_REVOKED = "Session revoked"
SESSION_EXPIRED = "Session expired"
LOGGED_OUT = "Logged out"
ACCOUNT_DISABLED = "Account disabled"
PERMISSIONS_CHANGED = "Permissions changed"
# Service restart (RFC 6455, section 7.4.1): clients reconnect, with the permissions of now.
RECONNECT = 1012
CONNECTION_LIMIT = "Connection limit reached (streaming_cache.max_connections). Try again later."
KEY_LIMIT = (
    "Connection limit of this API key reached (streaming_cache.connections_per_key). "
    "Close a subscription first."
)
ADDRESS_LIMIT = (
    "Limit of connections without an API key reached for this address "
    "(streaming_cache.connections_per_address)."
)
PENDING_LIMIT = (
    "Too many unauthenticated connections (streaming_cache.max_unauthenticated_connections). "
    "Try again later."
)
PENDING_COUNTER = "waiting"
# A key that was found valid just before its revocation may be assigned this much later.
REVOCATIONS_KEPT_SECONDS = 60.0
# A timer that fires before the expiry is set again.
MAX_TIMER_SECONDS = 24 * 3600.0

Owner = int | str
"""The owner by which connections are counted: the id of a key in the database, or a name."""
SINGLE_USER_KEY = "own key"
NO_KEY = "no key"
Credential = int | UUID | str
"""The id of a key, the uuid of a session or of an account, or a browser session as stored."""


class ConnectionSlot:
    """Handle of one connection in a registry. Release it when the connection is over."""

    def __init__(self, registry: ConnectionRegistry) -> None:
        self._registry = registry

    def mark_pending(self) -> None:
        """Count the connection as unauthenticated; this may end the oldest one of those.

        Raises TooMany if the limit is reached by connections of other processes alone.
        """
        self._registry._mark_pending(self)

    def assign(self, principal: Principal) -> None:
        """Assign the connection to `principal`.

        Raises TooMany at a limit, and Unauthorized for revoked or expired credentials.
        """
        self._registry._assign(self, principal)

    def release(self) -> None:
        """Stop counting the connection; harmless if already released."""
        self._registry._release(self)


@dataclass(slots=True, eq=False)
class _Connection:
    """The registry's record of one connection. `owner` is set while it is assigned."""

    end: End
    address: str
    principal: Principal | None = None
    owner: Owner | None = None
    timer: asyncio.TimerHandle | None = None


class ConnectionRegistry:
    """All connections of one event loop. Not safe to use from another thread.

    `counts` adds up the connections of all worker processes of the server. `on_revocable` is
    called whenever a connection is assigned whose credentials can be revoked.
    """

    def __init__(
        self,
        settings: StreamingCacheSettings,
        counts: SharedCounts | None = None,
        on_revocable: Callable[[], None] | None = None,
    ) -> None:
        self._settings = settings
        self._counts = counts or SharedCounts.local()
        self._on_revocable = on_revocable
        self._loop = asyncio.get_running_loop()
        self._connections: dict[ConnectionSlot, _Connection] = {}
        # By address; within an address the oldest first.
        self._pending: dict[str, dict[ConnectionSlot, None]] = {}
        # When each credential was revoked, by the clock of the loop.
        self._revoked: dict[Credential, float] = {}

    @property
    def credentials(self) -> CredentialIds:
        """The credentials of all connections that can be revoked."""
        principals = [principal for _, principal in self._assigned()]
        return CredentialIds(
            keys=frozenset(one.key_id for one in principals if one.key_id is not None),
            sessions=frozenset(one.session for one in principals if one.session is not None),
            accounts=frozenset(one.uuid for one in principals if one.uuid is not None),
            browser_sessions=frozenset(
                one.browser_session for one in principals if one.browser_session is not None
            ),
        )

    @property
    def pending_count(self) -> int:
        """The number of unauthenticated connections of this event loop."""
        return sum(map(len, self._pending.values()))

    def reserve(self, end: End, address: str = "") -> ConnectionSlot:
        """Reserve a slot for a new connection from `address`. Raises TooMany at the limit."""
        if len(self._connections) >= self._settings.max_connections:
            raise TooMany(CONNECTION_LIMIT)
        slot = ConnectionSlot(self)
        self._connections[slot] = _Connection(end, address)
        return slot

    def revoke(self, credential: Credential, reason: str) -> None:
        """End all connections with `credential`, and reject it for new ones."""
        now = self._loop.time()
        self._revoked = {
            known: moment
            for known, moment in self._revoked.items()
            if now - moment < REVOCATIONS_KEPT_SECONDS
        }
        self._revoked[credential] = now
        for connection, principal in self._assigned():
            if credential in _credentials(principal):
                connection.end(Unauthorized.close_code, reason)

    def end_site_key(self) -> None:
        """End all connections with the site-wide API key, which has changed."""
        for connection, principal in self._assigned():
            if _owner(principal) == SINGLE_USER_KEY:
                connection.end(Unauthorized.close_code, KEY_REVOKED)

    def apply_recheck(self, held: CredentialIds, valid: ValidCredentials) -> None:
        """End the connections whose credentials are among `held` but not among `valid`."""
        for key_id in held.keys:
            if key_id not in valid.keys:
                self.revoke(key_id, KEY_REVOKED)
            elif _seconds_left(valid.keys[key_id]) <= 0:
                self.revoke(key_id, KEY_EXPIRED)
        for session in held.sessions - valid.sessions:
            self.revoke(session, SESSION_REVOKED)
        for account in held.accounts - valid.accounts:
            self.revoke(account, ACCOUNT_DISABLED)
        for browser_session in held.browser_sessions - valid.browser_sessions:
            self.revoke(browser_session, SESSION_REVOKED)
        self._reconnect_changed(valid)

    def _reconnect_changed(self, valid: ValidCredentials) -> None:
        """Have accounts that lost their admin role, or were renamed, connect again."""
        not_admins = valid.accounts - valid.admins
        for connection, principal in self._assigned():
            if principal.uuid not in valid.accounts:
                continue
            name = valid.names.get(principal.uuid)
            renamed = name is not None and name not in principal.names
            if renamed or (principal.admin and principal.uuid in not_admins):
                connection.end(RECONNECT, PERMISSIONS_CHANGED)

    def _assigned(self) -> Iterator[tuple[_Connection, Principal]]:
        # A copy: to end a connection may release its slot.
        for connection in list(self._connections.values()):
            if connection.principal is not None:
                yield connection, connection.principal

    def _mark_pending(self, slot: ConnectionSlot) -> None:
        limit = self._settings.max_unauthenticated_connections
        if self._counts.add(PENDING_COUNTER) > limit and not self._end_oldest_pending():
            self._counts.add(PENDING_COUNTER, -1)
            raise TooMany(PENDING_LIMIT)
        self._pending.setdefault(self._connections[slot].address, {})[slot] = None
        UNAUTHENTICATED.labels().add()

    def _clear_pending(self, slot: ConnectionSlot) -> None:
        address = self._connections[slot].address
        if slot not in self._pending.get(address, {}):
            return
        self._counts.add(PENDING_COUNTER, -1)
        UNAUTHENTICATED.labels().add(-1)
        del self._pending[address][slot]
        if not self._pending[address]:
            del self._pending[address]

    def _end_oldest_pending(self) -> bool:
        """End the oldest pending connection of the address with the most; False if there is none.

        So an address that opens many connections displaces its own, and not those of others.
        """
        if not self._pending:
            return False
        busiest = max(self._pending.values(), key=len)
        oldest = next(iter(busiest))
        self._clear_pending(oldest)
        self._connections[oldest].end(TooMany.close_code, PENDING_LIMIT)
        return True

    def _assign(self, slot: ConnectionSlot, principal: Principal) -> None:
        self._clear_pending(slot)
        connection = self._connections[slot]
        credentials = _credentials(principal)
        if not self._revoked.keys().isdisjoint(credentials):
            raise Unauthorized("Invalid API key")
        if _seconds_left(principal.expires) <= 0:
            raise Unauthorized("Invalid API key")
        owner = _owner(principal)
        self._count(owner, connection.address)
        connection.owner, connection.principal = owner, principal
        self._set_timer(connection, principal)
        if credentials and self._on_revocable is not None:
            self._on_revocable()

    def _release(self, slot: ConnectionSlot) -> None:
        if slot not in self._connections:
            return
        self._clear_pending(slot)
        connection = self._connections.pop(slot)
        if connection.timer is not None:
            connection.timer.cancel()
        if connection.owner is not None:
            self._uncount(connection.owner, connection.address)

    def _count(self, owner: Owner, address: str) -> None:
        settings = self._settings
        # Counted first, then compared: two processes at the limit cannot both succeed.
        if self._counts.add(f"holder {owner}") > settings.connections_per_key:
            self._counts.add(f"holder {owner}", -1)
            raise TooMany(KEY_LIMIT)
        if owner != NO_KEY or not address:
            return
        if self._counts.add(f"address {address}") > settings.connections_per_address:
            self._uncount(owner, address)
            raise TooMany(ADDRESS_LIMIT)

    def _uncount(self, owner: Owner, address: str) -> None:
        self._counts.add(f"holder {owner}", -1)
        if owner == NO_KEY and address:
            self._counts.add(f"address {address}", -1)

    def _set_timer(self, connection: _Connection, principal: Principal) -> None:
        if principal.expires is not None:
            delay = min(_seconds_left(principal.expires), MAX_TIMER_SECONDS)
            connection.timer = self._loop.call_later(delay, self._expire, connection, principal)

    def _expire(self, connection: _Connection, principal: Principal) -> None:
        if _seconds_left(principal.expires) > 0:
            self._set_timer(connection, principal)
        else:
            connection.end(Unauthorized.close_code, _expiry_reason(principal))


def _credentials(principal: Principal) -> set[Credential]:
    known = (principal.key_id, principal.session, principal.uuid, principal.browser_session)
    return {one for one in known if one is not None}


def _owner(principal: Principal) -> Owner:
    if principal.key_id is not None:
        return principal.key_id
    if principal.session is not None:
        return f"session {principal.session}"
    if principal.browser_session is not None:
        return f"browser session {principal.browser_session}"
    return NO_KEY if principal.anonymous else SINGLE_USER_KEY


def _expiry_reason(principal: Principal) -> str:
    if principal.browser_session is not None:
        return SESSION_EXPIRED
    return KEY_EXPIRED if principal.session is None else TOKEN_EXPIRED


def _seconds_left(expires: datetime | None) -> float:
    if expires is None:
        return float("inf")
    return (expires - datetime.now(UTC)).total_seconds()
