"""Names of keys and channels in Redis.

All names of one node carry its UUID as a hash tag, so that a cluster keeps them together. They
begin with the site's prefix, because channels are shared by all databases of one Redis.

    <prefix>:{<uuid>}:meta                      hash: epoch, seq, end, time, ...
    <prefix>:{<uuid>}:log                       stream: the entries, under ids <sequence>-<end>
    <prefix>:{<uuid>}:payload:<epoch>:<seq>     string: a payload too large to stand in its entry
    <prefix>:{<uuid>}:wake                      channel: something was appended
    <prefix>:{<uuid>}:subscribers               hash: how many each server process has
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StreamKeys:
    """The names of one node's stream."""

    meta: str
    log: str
    payload: str
    wake: str
    subscribers: str

    @classmethod
    def of(cls, prefix: str, node: UUID) -> StreamKeys:
        """The names that the stream of `node` has at the site called `prefix`."""
        base = f"{prefix}:{{{node}}}"
        return cls(
            meta=f"{base}:meta",
            log=f"{base}:log",
            payload=f"{base}:payload:",
            wake=f"{base}:wake",
            subscribers=f"{base}:subscribers",
        )
