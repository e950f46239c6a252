"""List the subscribers of a node in all server processes, for administrators.

The request is published to all readers; Redis says how many of them have received it, and so how
many reports to wait for (`reading.subscriber_reports`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import redis

from access.models import Account, ApiKey
from core.errors import Unavailable

from .config import StreamingCacheSettings, required_cache
from .redis.clients import writer_client
from .redis.keys import reply_key, report_channel
from .shards import shard_of

# A process that is too busy to reply within this time is missing in the list.
WAIT_SECONDS = 1.0
MAX_LISTED = 100


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """A subscriber: who it is, where it connects from, and the last sequence number it was sent."""

    principal: str
    address: str
    since: datetime | None
    sequence: int
    endpoint: str
    options: str


@dataclass(frozen=True, slots=True)
class SubscriberList:
    """The subscribers that are furthest behind, and the number of all.

    `missing` is the number of server processes that did not reply in time.
    """

    listed: list[SubscriberState]
    count: int
    missing: int


def list_subscribers(node: UUID) -> SubscriberList:
    """Return the subscribers of `node`'s stream. Raises Unavailable."""
    try:
        reports, missing = _collect(shard_of(required_cache(), node), node)
    except redis.RedisError as error:
        raise Unavailable("The streaming cache cannot be reached.") from error
    found = [one for report in reports for one in report["subscribers"]]
    found.sort(key=lambda one: one["sequence"])
    shown = found[:MAX_LISTED]
    names = _PrincipalNames(shown)
    listed = [_state(one, names) for one in shown]
    return SubscriberList(listed, sum(report["count"] for report in reports), missing)


def _collect(settings: StreamingCacheSettings, node: UUID) -> tuple[list[dict[str, Any]], int]:
    """Return the reports of all processes, and how many are missing."""
    client = writer_client(settings)
    token = secrets.token_hex(16)
    key = reply_key(settings.prefix, token)
    # Commands that block for longer than the timeout of the connection fail.
    deadline = time.monotonic() + min(WAIT_SECONDS, settings.timeout / 2)
    expected = int(client.publish(report_channel(settings.prefix), f"{node} {token}"))
    reports: list[dict[str, Any]] = []
    while len(reports) < expected and (left := deadline - time.monotonic()) > 0:
        reply: Any = client.blpop([key], timeout=max(left, 0.01))
        if reply is not None:
            reports.append(orjson.loads(reply[1]))
    return reports, expected - len(reports)


class _PrincipalNames:
    """Names of the principals of subscribers, in two queries."""

    def __init__(self, subscribers: Iterable[Mapping[str, Any]]) -> None:
        key_ids = {one["key"] for one in subscribers if one.get("key") is not None}
        uuids = {one["account"] for one in subscribers if one.get("account") is not None}
        keys = ApiKey.objects.filter(pk__in=key_ids).only("first_eight", "note")
        self._keys = {key.pk: key for key in keys}
        accounts = Account.objects.filter(uuid__in=uuids).select_related("user")
        self._accounts = {str(account.uuid): account for account in accounts}

    def describe(self, subscriber: Mapping[str, Any]) -> str:
        """Return the user or service, and the API key, of a subscriber."""
        if "anonymous" not in subscriber:
            return "unknown"
        if subscriber["anonymous"]:
            return "anonymous"
        key_id, uuid = subscriber["key"], subscriber["account"]
        parts = []
        if uuid is not None:
            account = self._accounts.get(uuid)
            parts.append(f"{account.kind} {account}" if account else "a deleted account")
        if key_id is not None:
            parts.append(_describe_key(self._keys.get(key_id)))
        if not parts:  # staff of a site without users
            parts += [name.replace(":", " ", 1) for name in subscriber.get("names", ())]
        return ", ".join(parts) or "the server's API key"


def _describe_key(key: ApiKey | None) -> str:
    if key is None:
        return "a revoked API key"
    note = f" ({key.note})" if key.note else ""
    return f"API key {key.first_eight}…{note}"


def _state(subscriber: Mapping[str, Any], names: _PrincipalNames) -> SubscriberState:
    since = subscriber.get("since")
    return SubscriberState(
        principal=names.describe(subscriber),
        address=subscriber.get("address") or "unknown",
        since=datetime.fromisoformat(since) if since else None,
        sequence=subscriber["sequence"],
        endpoint=subscriber.get("endpoint", ""),
        options=", ".join(subscriber["options"]),
    )
