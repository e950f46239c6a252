"""Writes that are carried out once, however often their request arrives.

A client that lost the answer to an append cannot know whether the rows are there, nor whether a
node is the one that it has made, or another's. It sends the request again under the same key: the
receipt of the first time, kept in the same transaction as what it is for, says so. Called while the
lock of the node is held.
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

from ..lookup.prepared_queries import Prepared, insert
from ..models import Receipt

# In seconds.
KEPT_FOR = 60 * 60
NOTED_EVERY = 60
KEPT_PER_NODE = 256
# Of children made: each is a node anyway, and many producers share one container.
KEPT_CHILDREN = 4096
# Old receipts are looked for once in so many new ones.
ROUND = 64


# Asked before each write that has a key.
_kept = Prepared(lambda: Receipt.objects.filter(node=UUID(int=0)).filter(key="key"))


@dataclass(frozen=True, slots=True)
class Once:
    """The key that a client has given to a request, and a digest of the request."""

    key: str
    digest: bytes


def earlier_receipt(node: UUID, once: Once | None) -> Receipt | None:
    """That of the same request from before. Raises Invalid if another request had this key."""
    if once is None:
        return None
    found = next(iter(_kept.fetch(_as_stored(node), once.key)), None)
    if found is not None and not hmac.compare_digest(bytes(found.digest), once.digest):
        raise Invalid(
            f"The Idempotency-Key {once.key!r} belongs to another request to this node; each has "
            "a key of its own."
        )
    return found


@contextmanager
def with_receipt(
    node: UUID, once: Once | None, structure: Structure | None = None, *, child: UUID | None = None
) -> Iterator[None]:
    """What is stored inside is stored together with its receipt, or not at all.

    `child` is the node that is made in `node`.
    """
    if once is None:
        yield
        return
    with nullcontext() if connection.in_atomic_block else transaction.atomic():
        yield
        kept = Receipt(
            node=node,
            key=once.key,
            digest=once.digest,
            structure=structure.to_json() if structure else None,
            child=child,
        )
        insert(kept)
        if kept.pk % ROUND == 0:
            _forget_old(node)


def _as_stored(node: UUID) -> Any:
    field: Any = Receipt._meta.get_field("node")
    return field.get_db_prep_value(node, connection)


class Ages:
    """How old receipts are, by the clock of this process that nobody can set.

    From time to time it is noted which receipt is the newest. Whatever is not newer than one noted
    an hour ago is older than an hour. A process that has just started knows of none.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._noted: deque[tuple[float, int]] = deque()
        self._lock = threading.Lock()

    def note(self, newest: int) -> int:
        """Note the number of the newest receipt; return that of the newest expired one, or 0."""
        now, expired = self._clock(), 0
        with self._lock:
            while self._noted and self._noted[0][0] <= now - KEPT_FOR:
                expired = self._noted.popleft()[1]
            if not self._noted or now - self._noted[-1][0] >= NOTED_EVERY:
                self._noted.append((now, newest))
        return expired


_ages = Ages()


def forget_expired() -> int:
    """Remove receipts that no client will ask for any more, and return how many they were."""
    newest = Receipt.objects.order_by("-pk").values_list("pk", flat=True).first()
    expired = _ages.note(newest or 0)
    return Receipt.objects.filter(pk__lte=expired).delete()[0] if expired else 0


def _forget_old(node: UUID) -> None:
    forget_expired()
    _forget_beyond(KEPT_PER_NODE, Receipt.objects.filter(node=node, child=None))
    _forget_beyond(KEPT_CHILDREN, Receipt.objects.filter(node=node).exclude(child=None))


def _forget_beyond(count: int, receipts: QuerySet[Receipt]) -> None:
    newest_first = receipts.order_by("-pk").values_list("pk", flat=True)
    first_too_many = newest_first[count : count + 1].first()
    if first_too_many is not None:
        receipts.filter(pk__lte=first_too_many).delete()
