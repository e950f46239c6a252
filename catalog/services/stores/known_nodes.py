"""Which nodes of the storage the database knows, and what a cleanup of others keeps to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from ...models import Node

# In seconds: younger data may belong to a node that is being created, or be read for the last time.
MIN_AGE_SECONDS = 15 * 60
BATCH = 1000


def missing(nodes: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of `nodes` that are not in the database."""
    return set(nodes) - set(Node.objects.filter(uuid__in=nodes).values_list("uuid", flat=True))
