"""Names of keys and channels in Redis.

All names of one node carry its UUID as a hash tag, so that a cluster keeps them together. They
begin with the site's prefix, because channels are shared by all databases of one Redis.

    <prefix>:{<uuid>}:meta                      hash: epoch, seq, end, time, ...
    <prefix>:{<uuid>}:log                       stream: the entries, under ids <sequence>-<end>
    <prefix>:{<uuid>}:payload:<epoch>:<seq>     string: a payload too large to stand in its entry
    <prefix>:{<uuid>}:wake                      channel: news of what was appended, often all of it
    <prefix>:{<uuid>}:subscribers               hash: how many each server process has

Fields of `meta`, as of the last write; all times are milliseconds of Redis's clock:

    epoch       the name of the numbering
    seq         the highest number given
    end         how many ends were said after it
    time        when the newest entry was made
    first       the lowest number that is kept; only true while the log is there
    oldest      when the oldest entry in the log was made
    evicted_to  the highest number whose entry was shed before its `data_ttl` was over; 0 if none
    bytes       how many bytes of updates are kept
    large       the highest number with a payload key; 0 if none
    token       that of the last persisted write
    settled     tokens of writes that were tried in vain and have come from the outbox since
    told        how many bytes of updates were told with the news of late
    gone        the node was deleted; then there is no other field

Fields of an entry, in this order: `time` and `size`; then of an update `frame` (the message), or
`head` (the message up to its payload, which has its own key), or `lost` (how many updates, up to
this number, were given up before they got here; these other numbers have no entry).

A log that is gone while `time` is not yet `data_ttl` ago was evicted. A payload that is gone while
its entry is there was evicted, unless the entry's `time` is `data_ttl` ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID


def memory_key(prefix: str) -> str:
    """Return the name of what changes when Redis has lost all that it held."""
    return f"{prefix}:memory"


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """The names of one node's stream."""

    meta: str
    log: str
    payload: str
    wake: str
    subscribers: str

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, prefix: str, node: UUID) -> StreamKeys:
        """The names that the stream of `node` has at the site called `prefix`."""
        return cls._under(f"{prefix}:{{{node}}}")

    @classmethod
    def of_meta(cls, name: str) -> StreamKeys:
        """All names of a stream, from that of its hash."""
        return cls._under(name.removesuffix(":meta"))

    @staticmethod
    def pattern(prefix: str) -> str:
        """What the hashes of all streams of a site are called."""
        return f"{prefix}:{{*}}:meta"

    @staticmethod
    def node_of(name: str) -> UUID:
        """Which node the hash of that name is about."""
        return UUID(name.removesuffix("}:meta").rpartition("{")[2])

    @classmethod
    def _under(cls, base: str) -> StreamKeys:
        return cls(
            meta=f"{base}:meta",
            log=f"{base}:log",
            payload=f"{base}:payload:",
            wake=f"{base}:wake",
            subscribers=f"{base}:subscribers",
        )
