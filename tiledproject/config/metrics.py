"""Settings of the section `metrics`: who can read them, and where."""

from __future__ import annotations

import hmac

from pydantic import BaseModel, ConfigDict, Field


class MetricsSettings(BaseModel):
    """Metrics for Prometheus."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: str | None = Field(
        default=None,
        min_length=16,
        description="Bearer token that permits reading the metrics and nothing else; Prometheus "
        "sends it. Without it, `/api/v1/metrics` requires credentials with the scope `metrics`.",
        examples=["32 random characters"],
    )
    port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="TCP port of a separate listener for the metrics alone, which responds even if "
        "all worker processes are busy. It requires the `token`, if that is set, and else no "
        "credentials. Default: no such listener.",
        examples=["9464"],
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Network address of the separate listener.",
        examples=["127.0.0.1"],
    )

    def is_token(self, authorization: str) -> bool:
        """Return whether an Authorization header has the token."""
        expected = f"Bearer {self.token}".encode()
        shown = authorization.encode(errors="replace")
        return self.token is not None and hmac.compare_digest(shown, expected)
