"""Settings of the section `budgets`: what one server process spends on its clients at most.

Bytes, files, connections, threads and time. What is beyond a limit is refused with 429 or 503, a
`Retry-After` and a sentence that names the setting, and logged.
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
        description="Maximum number of open HTTP connections from one address (an IPv4 address, or "
        "an IPv6 /64 network). Does not apply to trusted proxies, for whose clients "
        "`requests_per_address` applies.",
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
        description="Maximum number of requests that a server process handles at the same time.",
        examples=["128"],
    )
    search_threads: int = Field(
        default=4,
        ge=1,
        description="Maximum number of `threads` used for searches with filters and for "
        "`distinct`.",
        examples=["4"],
    )
    export_threads: int = Field(
        default=4,
        ge=1,
        description="Maximum number of `threads` used for exports of containers and tables.",
        examples=["4"],
    )
    read_threads: int = Field(
        default=16,
        ge=1,
        description="Maximum number of `threads` used for reading data.",
        examples=["16"],
    )
    waiting: int = Field(
        default=1_000,
        ge=1,
        description="Maximum number of requests that wait for each of these shares of the threads. "
        "Further requests are rejected with 503.",
        examples=["1000"],
    )
