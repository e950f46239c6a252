"""Traces of HTTP requests, received as a collector does."""

from __future__ import annotations

import gzip
import queue
import secrets
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.servers import PROJECT, RunningServer, environment, own_database, running

TIMEOUT = 60.0


@dataclass(frozen=True)
class Span:
    """A span as the collector received it, with the attributes of its resource."""

    span: Any
    resource: dict[str, Any]

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes, as plain values."""
        return _plain(self.span.attributes)


@contextmanager
def collector() -> Iterator[tuple[str, queue.Queue[Span]]]:
    """Run a collector that accepts OTLP over HTTP; yield its address and the received spans."""
    service = pytest.importorskip(
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2",
        reason="requires the extra tracing",
    )
    spans: queue.Queue[Span] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            assert self.path == "/v1/traces"
            for part in service.ExportTraceServiceRequest.FromString(body).resource_spans:
                resource = _plain(part.resource.attributes)
                for scope in part.scope_spans:
                    for span in scope.spans:
                        spans.put(Span(span, resource))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", spans
        finally:
            server.shutdown()
            thread.join()


def _plain(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


@pytest.fixture(scope="module")
def traced(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[RunningServer, queue.Queue[Span]]]:
    """Run a server that sends its traces to a collector."""
    with collector() as (address, spans), own_database() as database:
        settings = {
            "TILED_TRACING_ENDPOINT": address,
            "TILED_TRACING_SERVICE_NAME": "beamline-7",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }
        folder = tmp_path_factory.mktemp("traced")
        options = ("serve", "--port", "0", "--workers", "1")
        with running(folder, *options, **settings, **database) as server:
            yield server, spans


def _get(server: RunningServer, path: str, **headers: str) -> Any:
    request = urllib.request.Request(f"{server.uri}{path}", headers=headers)
    request.add_header("Authorization", f"Apikey {server.api_key}")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        response.read()
        return response.headers


def _next(spans: queue.Queue[Span], path: str) -> Span:
    while True:
        found = spans.get(timeout=TIMEOUT)
        if found.attributes["url.path"] == path:
            return found


def test_a_request_continues_the_trace_of_its_client(
    traced: tuple[RunningServer, queue.Queue[Span]],
) -> None:
    server, spans = traced
    trace, parent = secrets.token_hex(16), secrets.token_hex(8)
    secret = f"s{secrets.token_hex(8)}"
    told = _get(
        server, f"/api/v1/metadata/?select_metadata={secret}", traceparent=f"00-{trace}-{parent}-01"
    )
    found = _next(spans, "/api/v1/metadata/")
    assert found.span.trace_id.hex() == trace
    assert found.span.parent_span_id.hex() == parent
    assert found.span.name == "GET metadata"
    assert found.resource["service.name"] == "beamline-7"
    attributes = found.attributes
    assert attributes["http.response.status_code"] == 200
    assert attributes["http.route"] == "metadata"
    assert attributes["http.response.header.x-tiled-request-id"] == [told["X-Tiled-Request-ID"]]
    assert "app;dur=" in attributes["http.response.header.server-timing"][0]
    assert secret not in str(found)


def test_a_request_without_a_trace_begins_one_and_one_not_sampled_is_not_sent(
    traced: tuple[RunningServer, queue.Queue[Span]],
) -> None:
    server, spans = traced
    unsampled = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _get(server, "/api/v1/metadata/unsampled", traceparent=unsampled)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        _get(server, "/api/v1/metadata/sampled")
    found = spans.get(timeout=TIMEOUT)
    while "sampled" not in found.attributes["url.path"]:
        found = spans.get(timeout=TIMEOUT)
    assert found.attributes["url.path"] == "/api/v1/metadata/sampled"
    assert not found.span.parent_span_id
    assert found.attributes["http.response.status_code"] == 404


def test_spans_that_wait_are_sent_at_the_end(tmp_path: Path) -> None:
    with collector() as (address, spans), own_database() as database:
        settings = {"TILED_TRACING_ENDPOINT": address, "OTEL_BSP_SCHEDULE_DELAY": "600000"}
        with running(
            tmp_path, "serve", "--port", "0", "--workers", "1", **settings, **database
        ) as server:
            _get(server, "/api/v1/")
            assert spans.empty()
        assert _next(spans, "/api/v1/").span.name == "GET about"


def test_without_the_extra_the_start_is_refused_by_a_sentence(tmp_path: Path) -> None:
    # A package of this name without the SDK, before the one that may be installed.
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", "0"],
        cwd=PROJECT,
        env=environment(
            tmp_path / "data",
            PYTHONPATH=str(tmp_path),
            TILED_TRACING_ENDPOINT="http://localhost:4318",
        ),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith(
        "tracing.endpoint requires the package opentelemetry.sdk, which is not installed; install "
        "tiled-stream[tracing], or leave the setting out."
    )
