"""Remove streams whose node is gone, because the server was killed before it removed them."""

from __future__ import annotations

import logging
from itertools import islice
from uuid import UUID

from catalog.services.stores.known_nodes import BATCH, missing

from ..config import StreamingCacheSettings, streaming_cache_settings
from ..redis.clients import writer_client
from ..redis.keys import StreamKeys
from ..shards import shards
from .log import shard_log

logger = logging.getLogger(__name__)


def remove_orphaned_streams() -> int:
    """Drop the streams of nodes that do not exist, and return their number.

    A stream begins after its node is in the database, so one without a node has lost it. Raises
    Unavailable, RedisError.
    """
    dropped = 0
    for shard in shards(streaming_cache_settings()):
        names = writer_client(shard).scan_iter(StreamKeys.pattern(shard.prefix), count=BATCH)
        while found := list(islice(names, BATCH)):
            dropped += _drop_missing(shard, [StreamKeys.node_of(name.decode()) for name in found])
    if dropped:
        logger.warning("Dropped %s streams of nodes that do not exist.", dropped)
    return dropped


def _drop_missing(shard: StreamingCacheSettings, nodes: list[UUID]) -> int:
    gone = list(missing(nodes))
    pipe = writer_client(shard).pipeline(transaction=False)
    for node in gone:
        # A dropped stream keeps a mark that expires. To drop it again would prolong the mark.
        pipe.hexists(StreamKeys.of(shard.prefix, node).meta, "gone")
    unmarked = [node for node, marked in zip(gone, pipe.execute(), strict=True) if not marked]
    if unmarked:
        shard_log(shard).drop(unmarked)
    return len(unmarked)
