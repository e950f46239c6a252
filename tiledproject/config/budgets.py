"""Settings of the section `budgets`: limits of what one server process spends on its clients.

Bytes, files, connections, threads and time. A request beyond a limit is rejected with 429 or 503,
`Retry-After` and the name of the setting, and logged.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class BudgetSettings(BaseModel):
    """Maximum amounts that each server process spends on its clients."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connections: int = Field(
        default=10_000,
        ge=10,
        description="Maximum number of open HTTP connections per server process, idle ones "
        "included; never more than the limit on open files leaves free.",
        examples=["10000"],
    )
    connections_per_address: int = Field(
        default=1_000,
        ge=1,
        description="Maximum number of open HTTP connections from one address (an IPv4 address, "
        "or an IPv6 /64 network) per server process. Does not apply to trusted proxies, for whose "
        "clients `requests_per_address` applies.",
        examples=["1000"],
    )
    requests_per_address: int = Field(
        default=500,
        ge=1,
        description="Maximum number of concurrent HTTP requests from one address per server "
        "process.",
        examples=["500"],
    )
    body_stall: float = Field(
        default=30.0,
        gt=0,
        description="Time in seconds after which a request is aborted with 408 if its body arrives "
        "at less than `body_rate` bytes per second.",
        examples=["30"],
    )
    body_rate: int = Field(
        default=256,
        ge=1,
        description="Minimum rate of a request body in bytes per second, averaged over "
        "`body_stall` seconds.",
        examples=["256"],
    )
    body_seconds: float = Field(
        default=4 * 3600.0,
        gt=0,
        description="Maximum time in seconds for a request body to arrive completely.",
        examples=["14400"],
    )
    read_stall: float = Field(
        default=120.0,
        gt=0,
        description="Time in seconds after which a client is disconnected if it reads a response "
        "or WebSocket at less than `read_rate` bytes per second.",
        examples=["120"],
    )
    read_rate: int = Field(
        default=128,
        ge=1,
        description="Minimum rate in bytes per second at which a client must read, averaged over "
        "`read_stall` seconds.",
        examples=["128"],
    )
    answer_bytes: int = Field(
        default=2 << 30,
        ge=1 << 20,
        description="Maximum number of bytes of responses that a server process holds in memory "
        "while clients read them; half of it per address, unless it is a single response.",
        examples=["2147483648"],
    )
    temporary_bytes: int = Field(
        default=64 << 30,
        ge=1 << 20,
        description="Maximum number of bytes of temporary files per server process: arriving "
        "bodies and exports; half of it per address, unless it is a single file.",
        examples=["68719476736"],
    )
    temporary_files: int = Field(
        default=500,
        ge=1,
        description="Maximum number of temporary files per server process; half of them per "
        "address.",
        examples=["500"],
    )
    exports: int = Field(
        default=20,
        ge=1,
        description="Maximum number of export files per server process, being written or "
        "downloaded; half of them per address.",
        examples=["20"],
    )
    threads: int = Field(
        default=128,
        ge=8,
        description="Maximum number of concurrent requests per server process, without the "
        "searches, exports and reads of data that the next three settings limit.",
        examples=["128"],
    )
    search_threads: int = Field(
        default=4,
        ge=1,
        description="Maximum number of concurrent searches per server process: listings with "
        "filters or sorted by metadata, deep searches, and `distinct`.",
        examples=["4"],
    )
    export_threads: int = Field(
        default=4,
        ge=1,
        description="Maximum number of concurrent exports of containers (`container/full`, "
        "`node/full`) per server process.",
        examples=["4"],
    )
    read_threads: int = Field(
        default=16,
        ge=1,
        description="Maximum number of concurrent reads of data per server process: arrays, "
        "tables, files, and chunks as Zarr.",
        examples=["16"],
    )
    waiting: int = Field(
        default=1_000,
        ge=1,
        description="Maximum number of requests that wait for each of these four limits. Further "
        "requests are rejected with 503.",
        examples=["1000"],
    )
