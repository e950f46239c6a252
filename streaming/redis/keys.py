"""Names of keys and channels in Redis, and the fields of the values.

All names of one node contain its UUID as a hash tag, so that a cluster stores them together. They
begin with the site's prefix, because all databases of one Redis share their channels.

    <prefix>:{<uuid>}:meta                      hash: epoch, seq, end, time, ...
    <prefix>:{<uuid>}:log                       stream: the entries, under ids <sequence>-<end>
    <prefix>:{<uuid>}:payload:<epoch>:<seq>     string: a payload too large for its entry
    <prefix>:{<uuid>}:wake                      channel: notifications, often with the update
    <prefix>:{<uuid>}:subscribers               hash: subscriber count and time, by server process

Names of the site, which have one hash tag as well:

    <prefix>:{servers}                          set: the servers of the site; some may be gone
    <prefix>:{servers}:<server>                 string: what a server that runs tells the others

Fields of `meta`, as of the last write; all times are milliseconds of Redis's clock:

    epoch       name of the numbering
    seq         highest number assigned
    end         number of ends marked after it
    time        when the newest entry was made
    first       lowest number retained; valid only while the log exists
    oldest      when the oldest entry in the log was made
    evicted_to  highest number whose entry was evicted before its `data_ttl` was over; 0 if none
    bytes       bytes of updates retained
    large       highest number with a payload key; 0 if none
    token       token of the last persisted write
    settled     tokens of writes whose first attempt failed and that came from the outbox since
    once        tokens of recent requests that store nothing and may be repeated
    by:<id>     last sequence of a producer that was appended and not persisted (ingest endpoint)
    producers   their IDs, the oldest first
    told        bytes of updates recently published with their notification (a leaky bucket)
    gone        the node was deleted; then there is no other field

Fields of an entry, in this order: `time` and `size`; then of an update `frame` (the message), or
`head` (the message up to its payload, which has its own key), or `lost` (how many updates, up to
this number, were discarded in the outbox; the other numbers have no entry).

A log that is missing although `time` is less than `data_ttl` ago was evicted. A payload that is
missing although its entry exists was evicted, unless the entry's `time` is `data_ttl` ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID


def memory_key(prefix: str) -> str:
    """Return the key whose value changes when Redis has lost its content."""
    return f"{prefix}:memory"


def servers_key(prefix: str) -> str:
    """Return the set of the servers of the site."""
    return f"{prefix}:{{servers}}"


def server_key(prefix: str, server: str) -> str:
    """Return the key of what a server tells the others; it expires when the server is gone."""
    return f"{prefix}:{{servers}}:{server}"


def report_channel(prefix: str) -> str:
    """Return the channel of requests for the subscribers of a node (`subscriber_reports`)."""
    return f"{prefix}:report"


def reply_key(prefix: str, token: str) -> str:
    """Return the list to which the reports for the request `token` are appended."""
    return f"{prefix}:reports:{token}"


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """The keys and the channel of one node's stream."""

    meta: str
    log: str
    payload: str
    wake: str
    subscribers: str

    @classmethod
    @lru_cache(maxsize=4096)
    def of(cls, prefix: str, node: UUID) -> StreamKeys:
        """Return the names for the stream of `node` at the site with `prefix`."""
        return cls._under(f"{prefix}:{{{node}}}")

    @classmethod
    def of_meta(cls, name: str) -> StreamKeys:
        """Return all names of a stream from that of its metadata hash."""
        return cls._under(name.removesuffix(":meta"))

    @staticmethod
    def pattern(prefix: str) -> str:
        """Return the pattern of the metadata hashes of all streams of a site."""
        return f"{prefix}:{{*}}:meta"

    @staticmethod
    def pattern_of_all(prefix: str) -> str:
        """Return the pattern of all keys with a hash tag of a site, those of all streams."""
        return f"{prefix}:{{*}}:*"

    @staticmethod
    def node_in(name: str) -> UUID | None:
        """Return the node of the stream that a key belongs to; None if it belongs to the site."""
        try:
            return UUID(name.partition("{")[2].partition("}")[0])
        except ValueError:
            return None

    @staticmethod
    def node_of(name: str) -> UUID:
        """Return the node of the stream with this metadata hash."""
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
