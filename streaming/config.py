"""Settings of the live streams: the section `streaming_cache`."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from core.errors import Unavailable

CACHE_URI = re.compile(r"(redis|rediss)://([^/?@]*@)?[^/?@,]+(/\d*)?(\?.*)?|unix://.+")


def _has_valid_port(uri: str) -> bool:
    try:
        port = urlsplit(uri).port
    except ValueError:
        return False
    return port is None or port > 0


class StreamingCacheSettings(BaseModel):
    """The Redis or Valkey that streams are kept in, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str | None = Field(
        default=None,
        description="The Redis or Valkey to use: `redis://HOST:PORT`, `rediss://` for TLS, with "
        "`:PASSWORD@` or `USER:PASSWORD@` before the host where it asks for one, or "
        "`unix:///PATH`. Left out, `serve` and `runserver` start a Valkey of their own.",
        examples=["redis://localhost:6379"],
    )
    data_ttl: int = Field(
        default=3600,
        ge=1,
        description="For how many seconds an update can be replayed.",
        examples=["3600"],
    )
    seq_ttl: int = Field(
        default=30 * 24 * 3600,
        ge=1,
        description="After how many idle seconds the numbering of a stream begins again at 1. "
        "After a stream was closed by its producer it is `data_ttl`.",
        examples=["2592000"],
    )
    prefix: str = Field(
        default="tiled",
        pattern=r"^[A-Za-z0-9_.-]+$",
        description="What the names of all keys and channels begin with. Sites that share one "
        "Redis need a prefix each.",
        examples=["tiled"],
    )
    stream_bytes: int = Field(
        default=1 << 30,
        ge=1 << 20,
        description="The most bytes of updates that are kept for one node; the oldest are shed "
        "first, also before `data_ttl`.",
        examples=["1073741824"],
    )
    window_bytes: int = Field(
        default=8 << 20,
        ge=1 << 16,
        description="The most bytes of new updates of one node that each server process holds "
        "for subscribers that are about to get them. Slower ones are served from the cache.",
        examples=["8388608"],
    )
    all_windows_bytes: int = Field(
        default=64 << 20,
        ge=1 << 20,
        description="The most bytes that each server process holds in this way for all nodes "
        "together.",
        examples=["67108864"],
    )
    unsent_bytes: int = Field(
        default=512 << 20,
        ge=1 << 20,
        description="The most bytes of large messages that each server process holds for "
        "subscribers that have not read them yet. Beyond that, those that have not read for five "
        "seconds are disconnected, and resume.",
        examples=["536870912"],
    )
    writer_connections: int = Field(
        default=32,
        ge=1,
        description="The most connections to the cache that each server process writes with.",
        examples=["32"],
    )
    reader_connections: int = Field(
        default=4,
        ge=1,
        description="The most connections to the cache that each server process reads with, "
        "besides the one on which it is told of news.",
        examples=["4"],
    )
    connections: int = Field(
        default=10_000,
        ge=1,
        description="The most subscribers' connections that each server process has.",
        examples=["10000"],
    )
    connections_per_key: int = Field(
        default=1_000,
        ge=1,
        description="The most subscribers' connections that one API key may hold, in all worker "
        "processes of a server together. All without a key (on a public server) count as one.",
        examples=["1000"],
    )
    connections_per_address: int = Field(
        default=200,
        ge=1,
        description="The most of those without a key that one address may hold (an IPv4 address, "
        "or an IPv6 network of 64 bits), in all worker processes of a server together. Does not "
        "apply where the address is not known: to a trusted proxy that does not say for whom it "
        "speaks.",
        examples=["200"],
    )
    connections_waiting: int = Field(
        default=200,
        ge=1,
        description="The most subscribers' connections that may be about to bring their key in a "
        "first message, in all worker processes of a server together. Beyond that the oldest of "
        "the address that has the most is dropped.",
        examples=["200"],
    )
    timeout: float = Field(
        default=5.0,
        gt=0,
        description="For how many seconds the cache may be silent before it counts as out of "
        "reach.",
        examples=["5"],
    )
    outage_tolerance: float = Field(
        default=60.0,
        ge=0,
        description="For how many seconds the cache may be out of reach before subscribers are "
        "disconnected. Until then they wait, and miss nothing.",
        examples=["60"],
    )
    outbox_bytes: int = Field(
        default=1 << 30,
        ge=1 << 20,
        description="The most bytes of updates that are kept in the database while the cache is "
        "out of reach. Beyond that the oldest are given up, and become a gap in their streams.",
        examples=["1073741824"],
    )
    heartbeat: float = Field(
        default=10.0,
        gt=0,
        description="Every how many seconds each server process asks the cache where all streams "
        "stand, and tells the subscribers that asked for heartbeats. For no longer than that is "
        "anyone stuck after the cache was emptied, restarted or replaced.",
        examples=["10"],
    )
    file_locations: bool = Field(
        default=False,
        description="Whether updates about registered files say where the files lie on the server. "
        "Left out, subscribers see the names of the files only.",
        examples=["false"],
    )
    recursive_nodes: int = Field(
        default=2000,
        ge=1,
        description="The most nodes that one connection to `stream/multi` may follow.",
        examples=["2000"],
    )
    embedded_memory: int = Field(
        default=1_000_000_000,
        ge=16_000_000,
        description="The most bytes that the Valkey started by the server itself may hold; the "
        "oldest updates are shed first.",
        examples=["1000000000"],
    )

    @field_validator("uri")
    @classmethod
    def _known_scheme(cls, uri: str | None) -> str | None:
        if uri is not None and (CACHE_URI.fullmatch(uri) is None or not _has_valid_port(uri)):
            raise ValueError(
                "is not the address of one Redis; write redis://localhost:6379, or leave it out to "
                "have the server start a Valkey of its own. Addresses of Sentinels, of a Redis "
                "Cluster or of several servers are not supported"
            )
        return uri

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
    """This site's section `streaming_cache`."""
    section: StreamingCacheSettings = settings.TILED.streaming_cache
    return section


def required_cache() -> StreamingCacheSettings:
    """The same, where there is a cache. Raises Unavailable where streaming is off."""
    section = streaming_cache_settings()
    if section.uri is None:
        raise Unavailable("Streaming is off: this server has no streaming cache.")
    return section
