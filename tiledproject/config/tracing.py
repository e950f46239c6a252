"""Settings of the section `tracing`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class TracingSettings(BaseModel):
    """Traces of HTTP requests, sent to an OpenTelemetry collector. Requires the extra `tracing`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: str | None = Field(
        default=None,
        pattern="^https?://",
        description="URL of a collector that accepts OTLP over HTTP, up to the port; traces are "
        "sent to `/v1/traces` below it. Default: no traces. The exporter also reads "
        "`OTEL_EXPORTER_OTLP_HEADERS` and the other variables of the OpenTelemetry standard.",
        examples=["http://localhost:4318"],
    )
    sample_ratio: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="Part of the requests that are traced, unless the client's `traceparent` "
        "header decides.",
        examples=["0.1"],
    )
    service_name: str = Field(
        default="tiled-stream",
        min_length=1,
        description="Name of this server in the traces.",
        examples=["tiled-stream"],
    )
