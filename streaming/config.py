"""Settings of the streams: the section `streaming_cache`."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.errors import Unavailable

from .address import parse_address, split_addresses

# Replication to a replica that may be promoted is less than this behind, in seconds.
SENTINEL_REPLICATION_SECONDS = 10.0


class StreamingCacheSettings(BaseModel):
    """Redis or Valkey for the streams, retention of updates, and limits of subscribers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str | None = Field(
        default=None,
        description="URI of the Redis or Valkey server: `redis://HOST:PORT`, `rediss://` for TLS, "
        "with `:PASSWORD@` or `USER:PASSWORD@` before the host if it requires a password, or "
        "`unix:///PATH`. With Sentinels `redis+sentinel://HOST,HOST/SERVICE`, or "
        "`rediss+sentinel://` for TLS. A list, or several separated by commas, divides the streams "
        "among them. Default: `serve` and `runserver` start their own Valkey.",
        examples=["redis://localhost:6379"],
    )
    data_ttl: int = Field(
        default=3600,
        ge=1,
        description="Time in seconds for which an update can be replayed.",
        examples=["3600"],
    )
    seq_ttl: int = Field(
        default=30 * 24 * 3600,
        ge=1,
        description="Idle time in seconds after which the sequence numbers of a stream start again "
        "at 1. After its producer closed a stream, this time is `data_ttl`.",
        examples=["2592000"],
    )
    prefix: str = Field(
        default="tiled",
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="Prefix of all Redis keys and channels. Sites that share one Redis need "
        "different prefixes.",
        examples=["tiled"],
    )
    stream_bytes: int = Field(
        default=1 << 30,
        ge=1 << 20,
        description="Maximum number of bytes of updates that are retained per node; the oldest are "
        "evicted first, also before `data_ttl`.",
        examples=["1073741824"],
    )
    window_bytes: int = Field(
        default=8 << 20,
        ge=1 << 16,
        description="Maximum number of bytes of recent updates per node that a server process "
        "keeps in memory for its subscribers. Slower subscribers are served from the cache.",
        examples=["8388608"],
    )
    total_window_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="Maximum number of bytes of recent updates that a server process keeps in "
        "memory for all nodes together.",
        examples=["67108864"],
    )
    unsent_bytes: int = Field(
        default=512 << 20,
        ge=1 << 20,
        description="Maximum number of bytes of large messages that a server process holds for "
        "subscribers that have not read them yet. Beyond that, subscribers that have not read for "
        "five seconds are disconnected, and resume.",
        examples=["536870912"],
    )
    writer_connections: int = Field(
        default=32,
        ge=1,
        description="Maximum number of connections to the cache for writing, per server process.",
        examples=["32"],
    )
    reader_connections: int = Field(
        default=4,
        ge=1,
        description="Maximum number of connections to the cache for reading, per server process, "
        "besides one pub/sub connection.",
        examples=["4"],
    )
    max_connections: int = Field(
        default=10_000,
        ge=1,
        description="Maximum number of subscriber connections per server process.",
        examples=["10000"],
    )
    connections_per_key: int = Field(
        default=1_000,
        ge=1,
        description="Maximum number of subscriber connections per API key, or per login, over all "
        "servers of the site. All connections without a key (on a public "
        "server) count as one key.",
        examples=["1000"],
    )
    connections_per_address: int = Field(
        default=200,
        ge=1,
        description="Maximum number of connections without a key from one address (an IPv4 "
        "address, or an IPv6 /64 network), over all servers of the site. Does not "
        "apply if the address is unknown, because a trusted proxy does not send it.",
        examples=["200"],
    )
    max_unauthenticated_connections: int = Field(
        default=200,
        ge=1,
        description="Maximum number of connections whose key has not arrived yet, because they "
        "send it in their first message, over all servers of the site. Beyond "
        "that, the oldest connection of the address that has the most is dropped.",
        examples=["200"],
    )
    timeout: float = Field(
        default=5.0,
        gt=0,
        description="Timeout in seconds after which a cache that does not respond counts as "
        "unreachable.",
        examples=["5"],
    )
    outage_tolerance: float = Field(
        default=60.0,
        ge=0,
        description="Time in seconds that the cache may be unreachable before subscribers are "
        "disconnected. Until then they wait, and miss nothing.",
        examples=["60"],
    )
    replication_seconds: float | None = Field(
        default=None,
        ge=0,
        le=3600,
        description="Time in seconds by which a replica of the cache may be behind when it becomes "
        "the primary: persisted updates of this time are kept in the database, and streamed again "
        "if they were lost in a failover. Default: 10 if `uri` names Sentinels, else 0.",
        examples=["10"],
    )
    outbox_bytes: int = Field(
        default=1 << 30,
        ge=1 << 20,
        description="Maximum number of bytes of updates that are stored in the database while the "
        "cache is unreachable. Beyond that the oldest are discarded, and become a gap in their "
        "streams.",
        examples=["1073741824"],
    )
    heartbeat: float = Field(
        default=10.0,
        gt=0,
        description="Heartbeat interval in seconds: how often each server process polls all "
        "streams and sends heartbeats to subscribers that requested them. After the cache was "
        "emptied, restarted or replaced, subscribers continue within this time.",
        examples=["10"],
    )
    expose_file_paths: bool = Field(
        default=False,
        description="Whether updates about registered files contain their paths on the server. By "
        "default, subscribers see the names of the files only.",
        examples=["false"],
    )
    max_nodes_per_connection: int = Field(
        default=2000,
        ge=1,
        description="Maximum number of nodes that one connection to `stream/multi` may follow.",
        examples=["2000"],
    )
    embedded_memory_bytes: int = Field(
        default=1_000_000_000,
        ge=16_000_000,
        description="Maximum memory in bytes of the Valkey that the server itself starts; the "
        "oldest updates are evicted first.",
        examples=["1000000000"],
    )

    @field_validator("uri", mode="before")
    @classmethod
    def _joined(cls, uri: object) -> object:
        is_list = isinstance(uri, list) and all(isinstance(one, str) for one in uri)
        return ",".join(uri) if is_list and isinstance(uri, list) else uri

    @field_validator("uri")
    @classmethod
    def _valid_addresses(cls, uri: str | None) -> str | None:
        if uri is None:
            return None
        names = [parse_address(one).name for one in split_addresses(uri)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(
                    f"names {name} more than once; write each Redis once, or end addresses that "
                    "differ only in their passwords with different names, as in ...#A"
                )
        return uri

    @property
    def retained_seconds(self) -> float:
        """For how long the outbox keeps published updates, which a failover may lose."""
        if self.replication_seconds is not None:
            return self.replication_seconds
        addresses = split_addresses(self.uri) if self.uri else ()
        watched = any(parse_address(one).service for one in addresses)
        return SENTINEL_REPLICATION_SECONDS if watched else 0.0

    @model_validator(mode="after")
    def _numbering_outlives_data(self) -> Self:
        if self.seq_ttl < self.data_ttl:
            raise ValueError(
                f"seq_ttl is {self.seq_ttl}, so that numbering would begin again while updates of "
                f"the last {self.data_ttl} seconds (data_ttl) can still be replayed; write "
                f"{self.data_ttl} or more"
            )
        return self


def streaming_cache_settings() -> StreamingCacheSettings:
    """Return the section `streaming_cache` of this site."""
    section: StreamingCacheSettings = settings.TILED.streaming_cache
    return section


def required_cache() -> StreamingCacheSettings:
    """Return the section if a cache is configured. Raises Unavailable if streaming is off."""
    section = streaming_cache_settings()
    if section.uri is None:
        raise Unavailable("Streaming is off: this server has no streaming cache.")
    return section
