"""The division of the streams among the Redis of a site, which all of its servers must share.

A stream that is no longer in its Redis must never be found there again: it would continue with old
numbers and lack the updates since then. So the database has the names of the Redis, and only
`divide`, while no server runs, replaces them:

| Redis of the new list | its keys |
| --- | --- |
| was not in the list before | all keys of the site are removed |
| was in the list before | streams of nodes that are, or were, in another Redis are removed |

A Redis that leaves the list is not touched, but remembered: if it returns, the first row applies.
Until `divide` has ended, the database has no names, so that no server starts. If it was
interrupted, the next call therefore removes all streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from uuid import UUID

from catalog.models import Node
from core.program import program

from ..config import StreamingCacheSettings, streaming_cache_settings
from ..models import Division
from ..redis.clients import writer_client
from ..redis.keys import StreamKeys
from ..rendezvous import choose
from ..shards import shard_name, shards
from .forgetting import forget

BATCH = 1000


class OtherDivision(Exception):
    """The streams are divided among other Redis. The text is a sentence for the administrator."""


def check_division() -> None:
    """Raise OtherDivision unless the configured Redis are those that have the streams.

    One Redis may be replaced by another one without a command: then all streams begin again.
    """
    names, division = _configured(), _stored()
    before = division.names
    if names == before or not names:
        return
    if not _is_free(names, division):
        said = f"divided among {', '.join(before)}" if before else "not divided among them yet"
        raise OtherDivision(
            f"streaming_cache.uri names {', '.join(names)}, but the streams of this site are "
            f"{said}; stop all servers and run `{program()} divide_streams`, or write the former "
            "addresses."
        )
    _store(names, division.former)


def _is_free(names: list[str], division: Division) -> bool:
    """Return whether servers may start with other names, as no earlier stream can come back."""
    before, former = division.names, division.former
    if len(names) == 1 and len(before) <= 1:
        return names[0] not in former
    return not before and not former and not Node.objects.filter(parent__isnull=False).exists()


def divide() -> int:
    """Divide the streams among the configured Redis, and return how many keys were removed.

    Streams that move begin again. Call it while no server runs; if it was interrupted, call it
    again. Raises RedisError.
    """
    names, division = _configured(), _stored()
    before, left = division.names, {*division.names, *division.former} - {*names}
    _store([], sorted({*left, *names}))
    removed = 0
    for shard in shards(streaming_cache_settings()):
        if shard_name(shard) in before:
            removed += _remove_moved(shard, names, before)
        else:
            removed += forget(shard)
    _store(names, sorted(left))
    return removed


def _remove_moved(
    shard: StreamingCacheSettings, names: Sequence[str], before: Sequence[str]
) -> int:
    own, client, removed = shard_name(shard), writer_client(shard), 0
    keys = client.scan_iter(StreamKeys.pattern_of_all(shard.prefix), count=BATCH)
    while some := list(islice(keys, BATCH)):
        nodes = ((key, StreamKeys.node_in(key.decode())) for key in some)
        moved = [
            key for key, node in nodes if node is not None and not _stays(own, node, names, before)
        ]
        removed += client.unlink(*moved) if moved else 0
    return removed


def _stays(own: str, node: UUID, names: Sequence[str], before: Sequence[str]) -> bool:
    return choose(names, node.bytes) == own == choose(before, node.bytes)


def _configured() -> list[str]:
    return [shard_name(shard) for shard in shards(streaming_cache_settings())]


def _stored() -> Division:
    return Division.objects.filter(pk=1).first() or Division(names=[])


def _store(names: list[str], former: list[str]) -> None:
    Division.objects.update_or_create(pk=1, defaults={"names": names, "former": former})
