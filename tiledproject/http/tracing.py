"""Trace HTTP requests with OpenTelemetry, if `tracing.endpoint` is set.

A request that is part of a trace of its client, by the header `traceparent`, continues that. The
names of attributes are those of OpenTelemetry's conventions for HTTP. Queries are left out, since
they may have API keys.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from access.authentication.client_address import SCOPE_ADDRESS
from core.version import VERSION

from ..config.errors import ConfigError
from ..config.settings_model import Settings
from ..config.tracing import TracingSettings
from . import request_ids

PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
TRACES_PATH = "/v1/traces"
HEADERS = {b"traceparent", b"tracestate"}
# Headers of the response that help to find it in the log, and say what took how long.
RESPONSE_HEADERS = {request_ids.NAME.decode(), "server-timing"}


def check_installed(site: Settings) -> None:
    """Raise ConfigError if traces are wanted, but cannot be made."""
    if site.tracing.endpoint is None:
        return
    for name in PACKAGES:
        try:
            found = find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise ConfigError(
                f"tracing.endpoint requires the package {name}, which is not installed; install "
                "tiled-stream[tracing], or leave the setting out."
            )


class RequestSpan:
    """The span of one request in progress."""

    __slots__ = ("_method", "_span")

    def __init__(self, span: Any, method: str) -> None:
        self._span = span
        self._method = method

    def answered(self, status: int, endpoint: str, headers: list[tuple[bytes, bytes]]) -> None:
        """Record the response."""
        from opentelemetry.trace import Status, StatusCode

        span = self._span
        span.update_name(f"{self._method} {endpoint}")
        span.set_attribute("http.route", endpoint)
        span.set_attribute("http.response.status_code", status)
        for name, value in headers:
            lower = name.decode("latin-1").lower()
            if lower in RESPONSE_HEADERS:
                span.set_attribute(f"http.response.header.{lower}", [value.decode("latin-1")])
        if status >= 500:
            span.set_attribute("error.type", str(status))
            span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        """End the span: the response was sent, or the client is gone."""
        self._span.end()


class RequestTracer:
    """Starts spans, and sends those that have ended to the collector, in a separate thread."""

    def __init__(self, settings: TracingSettings) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        assert settings.endpoint is not None
        resource = Resource.create(
            {"service.name": settings.service_name, "service.version": VERSION}
        )
        sampler = ParentBased(TraceIdRatioBased(settings.sample_ratio))
        self._provider = TracerProvider(resource=resource, sampler=sampler)
        exporter = OTLPSpanExporter(endpoint=settings.endpoint.rstrip("/") + TRACES_PATH)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("tiled-stream", VERSION)
        self._propagator = TraceContextTextMapPropagator()
        self._kind = SpanKind.SERVER

    def start(self, scope: dict[str, Any]) -> RequestSpan:
        """Start the span of the request with this scope."""
        method = scope["method"]
        headers = scope["headers"]
        carrier = {
            name.decode(): value.decode("latin-1") for name, value in headers if name in HEADERS
        }
        span = self._tracer.start_span(
            method,
            context=self._propagator.extract(carrier),
            kind=self._kind,
            attributes=_attributes(scope),
        )
        return RequestSpan(span, method)

    def close(self) -> None:
        """Send what has ended so far."""
        self._provider.shutdown()


def _attributes(scope: dict[str, Any]) -> dict[str, str | int]:
    found: dict[str, str | int] = {
        "http.request.method": scope["method"],
        "url.path": scope["path"],
        "url.scheme": scope.get("scheme", "http"),
        "network.protocol.version": scope.get("http_version", "1.1"),
    }
    if address := scope.get(SCOPE_ADDRESS) or (scope.get("client") or ("",))[0]:
        found["client.address"] = address
    for name, value in scope["headers"]:
        if name == b"user-agent":
            found["user_agent.original"] = value.decode("latin-1")
        elif name == b"host":
            found["server.address"] = value.decode("latin-1")
    return found


def tracer_of(settings: TracingSettings) -> RequestTracer | None:
    """Return the tracer of this process, or None if there are no traces."""
    return None if settings.endpoint is None else RequestTracer(settings)
