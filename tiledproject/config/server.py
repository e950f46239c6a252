"""The settings of the section `server`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, field_validator

from .locations import default_data_dir
from .root_paths import check_root_path

ORIGIN = re.compile(r"https?://[^/\s,*]+")


class ServerSettings(BaseModel):
    """Network address, data directory, limits and security of the server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Network address to listen on; `0.0.0.0` for all networks.",
        examples=["127.0.0.1"],
    )
    port: int = Field(
        default=8000,
        ge=0,
        le=65535,
        description="TCP port to listen on; 0 selects a free port and prints it.",
        examples=["8000"],
    )
    workers: int = Field(
        default_factory=lambda: min(os.cpu_count() or 1, 4),
        ge=1,
        description="Number of worker processes of `serve`. Default: one per processor, at most "
        "four.",
        examples=["4"],
    )
    allowed_hosts: list[str] = Field(
        default=[],
        description="Host names under which clients may reach the server, besides those of this "
        "machine; behind a proxy, its public name. Without it, a server that listens on all "
        "networks accepts any name.",
        examples=["[tiled.example.org]"],
    )
    trusted_proxies: list[IPvAnyNetwork] = Field(
        default=["127.0.0.1", "::1"],
        validate_default=True,
        description="Trusted proxies, as addresses or networks, whose `X-Forwarded-For`, "
        "`X-Forwarded-Host`, `X-Forwarded-Proto` and `X-Forwarded-Prefix` headers are honoured. "
        "From other peers these headers are ignored. Default: this machine.",
        examples=["[127.0.0.1, 10.1.0.0/24]"],
    )
    root_path: str = Field(
        default="",
        description="Path of the host below which clients reach the server, as in `/tiled`, if it "
        "is not the root. The proxy may remove it from the paths that it forwards, or not. A "
        "trusted proxy can send the path in `X-Forwarded-Prefix` instead.",
        examples=["/tiled"],
    )
    allow_origins: list[str] = Field(
        default=[],
        description="CORS origins: sites whose pages may use this server from a browser, each with "
        "its scheme, as in `https://viewer.example.org`. `*` allows all, without cookies.",
        examples=["[https://viewer.example.org]"],
    )
    tls: bool = Field(
        default=False,
        description="Whether clients reach the server over TLS, which a proxy terminates. Cookies "
        "are then sent over TLS only, and pages redirect to HTTPS.",
        examples=["true"],
    )
    hsts_seconds: int = Field(
        default=0,
        ge=0,
        description="Value of `Strict-Transport-Security` in seconds: for how long after a visit "
        "browsers use only TLS. Requires `tls`.",
        examples=["31536000"],
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Directory for the database, the storage and the keys, unless other settings "
        "name their locations. Default: `data` in the checkout; of an installed server, "
        "`tiled-stream` in the user's data directory, such as `~/.local/share`.",
        examples=["/srv/tiled"],
    )
    max_body_bytes: int = Field(
        default=1 << 32,
        ge=1 << 20,
        description="Maximum size in bytes of a request body; clients write larger data in "
        "pieces. A body above 16 MiB is buffered in a file in the storage directory while it "
        "arrives.",
        examples=["4294967296"],
    )
    secret_key: str | None = Field(
        default=None,
        min_length=32,
        description="Secret that Django signs sessions with. Default: a random one, generated at "
        "the first start and stored in the file `secret_key` of the data directory.",
        examples=["50 random characters"],
    )
    shutdown_delay: float = Field(
        default=0.0,
        ge=0,
        le=3600,
        description="Time in seconds between SIGTERM and the end of serving. Meanwhile `/readyz` "
        "answers 503 and requests are still served, so that a load balancer takes this server out "
        "of its rotation first. 0 suits a single server.",
        examples=["10"],
    )
    shutdown_timeout: float = Field(
        default=4.0,
        ge=0,
        le=3600,
        description="Maximum time in seconds that requests in progress may take to end when the "
        "server stops. WebSockets are closed with code 1012 at once.",
        examples=["30"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info",
        description="Log level. The log is written to standard error.",
        examples=["info"],
    )
    debug: bool = Field(
        default=False,
        description="Whether error responses include tracebacks. For development only.",
        examples=["false"],
    )

    silenced_checks: list[str] = Field(
        default=[],
        description="IDs of findings of `manage.py check --deploy` that this site accepts: they "
        "are neither reported nor do they prevent the start.",
        examples=["[tiled.E004]"],
    )

    @field_validator("root_path")
    @classmethod
    def _is_root_path(cls, path: str) -> str:
        return check_root_path(path)

    @field_validator("allow_origins")
    @classmethod
    def _are_origins(cls, origins: list[str]) -> list[str]:
        for origin in origins:
            if origin != "*" and ORIGIN.fullmatch(origin) is None:
                raise ValueError(
                    f"has {origin!r}, which is not an origin; write the scheme and the host name "
                    "only, as in https://viewer.example.org"
                )
        return origins
