"""Idempotent writes: carry out a request once, however often it arrives.

A client that lost the response to an append cannot know whether its rows were stored, nor whether a
node is the one that it created. It repeats the request under the same Idempotency-Key: the receipt
of the first request, stored in the transaction of its write, is the answer. Call these functions
while holding the lock of the node.
"""

from __future__ import annotations

import hmac
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet

from core.errors import Invalid
from tiled_client.wire.structures import Structure

from ..lookup.prepared_queries import PreparedQuery, raw_insert
from ..models import Receipt

# Lifetime of a receipt, and the time between two notes of the newest one.
KEEP_SECONDS = 60 * 60
NOTE_INTERVAL_SECONDS = 60
MAX_RECEIPTS_PER_NODE = 256
# Receipts of created children: many producers share one container.
MAX_CHILD_RECEIPTS = 4096
# Old receipts are deleted once per this many new ones.
CLEANUP_INTERVAL = 64

# Runs before each write that has a key.
_receipt_query = PreparedQuery(lambda: Receipt.objects.filter(node=UUID(int=0)).filter(key="key"))


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The key that a client gave to a request, and a digest of the request."""

    key: str
    digest: bytes


def find_receipt(node: UUID, idempotency_key: IdempotencyKey | None) -> Receipt | None:
    """Return the receipt of the same request from before.

    Raises Invalid if the key was used for another request.
    """
    if idempotency_key is None:
        return None
    found = next(iter(_receipt_query.fetch(_as_stored(node), idempotency_key.key)), None)
    if found is not None and not hmac.compare_digest(bytes(found.digest), idempotency_key.digest):
        raise Invalid(
            f"The Idempotency-Key {idempotency_key.key!r} was used for another request to this "
            "node; use a new key for each request."
        )
    return found


@contextmanager
def record_receipt(
    node: UUID,
    idempotency_key: IdempotencyKey | None,
    structure: Structure | None = None,
    *,
    child: UUID | None = None,
) -> Iterator[None]:
    """Store the writes of the body together with their receipt, or not at all.

    `child` is the node that is created in `node`.
    """
    if idempotency_key is None:
        yield
        return
    with nullcontext() if connection.in_atomic_block else transaction.atomic():
        yield
        kept = Receipt(
            node=node,
            key=idempotency_key.key,
            digest=idempotency_key.digest,
            structure=structure.to_json() if structure else None,
            child=child,
        )
        raw_insert(kept)
        if kept.pk % CLEANUP_INTERVAL == 0:
            _delete_old(node)


def _as_stored(node: UUID) -> Any:
    field: Any = Receipt._meta.get_field("node")
    return field.get_db_prep_value(node, connection)


class Ages:
    """Determine the age of receipts by the monotonic clock of this process.

    Wall clocks may be set back. From time to time the number of the newest receipt is noted: a
    receipt that is not newer than one noted an hour ago is older than an hour. A process that
    has just started knows no ages.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    def note(self, newest: int) -> int:
        """Note the number of the newest receipt; return that of the newest expired one, or 0."""
        now, expired = self._clock(), 0
        with self._lock:
            while self._noted and self._noted[0][0] <= now - KEEP_SECONDS:
                expired = self._noted.popleft()[1]
            if not self._noted or now - self._noted[-1][0] >= NOTE_INTERVAL_SECONDS:
                self._noted.append((now, newest))
        return expired


_ages = Ages()


def delete_expired() -> int:
    """Delete expired receipts; return how many were deleted."""
    newest = Receipt.objects.order_by("-pk").values_list("pk", flat=True).first()
    expired = _ages.note(newest or 0)
    return Receipt.objects.filter(pk__lte=expired).delete()[0] if expired else 0


def _delete_old(node: UUID) -> None:
    delete_expired()
    _delete_beyond(MAX_RECEIPTS_PER_NODE, Receipt.objects.filter(node=node, child=None))
    _delete_beyond(MAX_CHILD_RECEIPTS, Receipt.objects.filter(node=node).exclude(child=None))


def _delete_beyond(count: int, receipts: QuerySet[Receipt]) -> None:
    newest_first = receipts.order_by("-pk").values_list("pk", flat=True)
    first_too_many = newest_first[count : count + 1].first()
    if first_too_many is not None:
        receipts.filter(pk__lte=first_too_many).delete()
