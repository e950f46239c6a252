"""The shards of a site: each Redis of `streaming_cache.uri`, with its part of the nodes.

A shard is represented by the settings of the site with the URI of one Redis. The stream of a node,
and all that concerns it, is in the shard that rendezvous hashing chooses by the shards' names. What
concerns the whole site (the channel layer, the counters of the servers) is in the shard whose name
is the first in the alphabet. With one Redis, that is the only shard.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from uuid import UUID

from .address import parse_address, split_addresses
from .config import StreamingCacheSettings, streaming_cache_settings
from .rendezvous import choose


def shards(settings: StreamingCacheSettings) -> tuple[StreamingCacheSettings, ...]:
    """Return the shards of a site by name; none if streaming is off."""
    if settings.uri is None:
        return ()
    return (settings,) if is_single(settings) else tuple(_by_name(settings).values())


def shard_of(settings: StreamingCacheSettings, node: UUID) -> StreamingCacheSettings:
    """Return the shard of `node`. Streaming must be on."""
    # Without more work for one Redis: this is on the path of every write.
    if is_single(settings):
        return settings
    found = _by_name(settings)
    return found[choose(list(found), node.bytes)]


def by_shard(
    settings: StreamingCacheSettings, nodes: Iterable[UUID]
) -> list[tuple[StreamingCacheSettings, list[UUID]]]:
    """Divide `nodes` by their shards; return none if streaming is off."""
    found: dict[StreamingCacheSettings, list[UUID]] = {}
    if settings.uri is not None:
        for node in nodes:
            found.setdefault(shard_of(settings, node), []).append(node)
    return list(found.items())


def site_shard(settings: StreamingCacheSettings) -> StreamingCacheSettings:
    """Return the shard of what concerns the whole site. Streaming must be on."""
    return shards(settings)[0]


def shard_name(shard: StreamingCacheSettings) -> str:
    """Return the name of a shard, which has no password."""
    assert shard.uri is not None
    return parse_address(shard.uri).name


def is_single(settings: StreamingCacheSettings) -> bool:
    """Return whether there is one Redis, or none."""
    return settings.uri is None or len(split_addresses(settings.uri)) == 1


def node_filter(shard: StreamingCacheSettings) -> Callable[[UUID], bool] | None:
    """Return the predicate of the nodes of `shard`; None if this site has no other shard."""
    site = streaming_cache_settings()
    return None if is_single(site) else partial(_has, site, shard)


def lock_name(shard: StreamingCacheSettings, purpose: str) -> str:
    """Return the name of a site lock for `purpose` that each shard has for itself."""
    if is_single(streaming_cache_settings()):
        return purpose
    return f"{purpose}-{hashlib.blake2b(shard_name(shard).encode(), digest_size=8).hexdigest()}"


def _has(site: StreamingCacheSettings, shard: StreamingCacheSettings, node: UUID) -> bool:
    return shard_of(site, node).uri == shard.uri


@lru_cache(maxsize=64)
def _by_name(settings: StreamingCacheSettings) -> dict[str, StreamingCacheSettings]:
    assert settings.uri is not None
    each = [settings.model_copy(update={"uri": uri}) for uri in split_addresses(settings.uri)]
    return {shard_name(shard): shard for shard in sorted(each, key=shard_name)}
