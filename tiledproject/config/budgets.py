"""Settings of the section `budgets`: what one server process spends on its clients at most.

Bytes, files, connections, threads and time. What is beyond a limit is refused with 429 or 503, a
`Retry-After` and a sentence that names the setting, and logged.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class BudgetSettings(BaseModel):
    """What each server process spends on its clients at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    connections: int = Field(
        default=10_000,
        ge=10,
        description="The most open HTTP connections of each server process, idle ones included; "
        "never more than the system's limit of open files leaves room for.",
        examples=["10000"],
    )
    connections_per_address: int = Field(
        default=1_000,
        ge=1,
        description="The most of them from one address (an IPv4 address, or an IPv6 network of 64 "
        "bits). Does not apply to trusted proxies, of whose clients `requests_per_address` counts.",
        examples=["1000"],
    )
    requests_per_address: int = Field(
        default=500,
        ge=1,
        description="The most HTTP requests under way from one address in each server process.",
        examples=["500"],
    )
    body_stall: float = Field(
        default=30.0,
        gt=0,
        description="After how many seconds a request is given up with 408 whose body arrives at "
        "less than `body_rate` bytes per second.",
        examples=["30"],
    )
    body_rate: int = Field(
        default=256,
        ge=1,
        description="The least rate of a body in bytes per second, measured over `body_stall` "
        "seconds.",
        examples=["256"],
    )
    body_seconds: float = Field(
        default=4 * 3600.0,
        gt=0,
        description="After how many seconds a body has to have arrived whole.",
        examples=["14400"],
    )
    read_stall: float = Field(
        default=120.0,
        gt=0,
        description="After how many seconds a client is disconnected that reads less than "
        "`read_rate` bytes per second of what is sent to it, in an answer or on a WebSocket.",
        examples=["120"],
    )
    read_rate: int = Field(
        default=128,
        ge=1,
        description="The least rate in bytes per second at which a client has to read what is "
        "sent to it, measured over `read_stall` seconds.",
        examples=["128"],
    )
    answer_bytes: int = Field(
        default=2 << 30,
        ge=1 << 20,
        description="The most bytes of answers that each server process holds in memory while "
        "their clients read them; for one address half of it, unless it is a single answer.",
        examples=["2147483648"],
    )
    temporary_bytes: int = Field(
        default=64 << 30,
        ge=1 << 20,
        description="The most bytes of temporary files of each server process: bodies that are "
        "arriving, and exports; for one address half of it, unless it is a single file.",
        examples=["68719476736"],
    )
    temporary_files: int = Field(
        default=500,
        ge=1,
        description="The most temporary files of each server process; half of them for one "
        "address.",
        examples=["500"],
    )
    exports: int = Field(
        default=20,
        ge=1,
        description="The most export files of each server process, being made or being read; half "
        "of them for one address.",
        examples=["20"],
    )
    threads: int = Field(
        default=128,
        ge=8,
        description="The most requests that each server process works on at the same time.",
        examples=["128"],
    )
    search_threads: int = Field(
        default=4,
        ge=1,
        description="How many of them may be searches with filters, or `distinct`.",
        examples=["4"],
    )
    export_threads: int = Field(
        default=4,
        ge=1,
        description="How many of them may be exports of containers and tables.",
        examples=["4"],
    )
    read_threads: int = Field(
        default=16,
        ge=1,
        description="How many of them may be reads of data.",
        examples=["16"],
    )
    waiting: int = Field(
        default=1_000,
        ge=1,
        description="How many requests may wait for each of these shares of the threads. Further "
        "ones are refused with 503.",
        examples=["1000"],
    )
