"""Metrics of HTTP requests, by names of Tiled where the meaning is the same."""

from __future__ import annotations

from core.http import server_timing
from core.metrics.families import Gauge, Histogram

LABELS = ("method", "code", "endpoint")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
READING = {"GET", "HEAD"}
OTHER = "other"
SHARES = (("searches",), ("exports",), ("reads",), ("requests",))

DURATION = Histogram(
    "tiled_request_duration_seconds",
    "Time from the head of a request until its response was ready to be sent.",
    LABELS,
)
RESPONSE_SIZE = Histogram(
    "tiled_response_content_length_bytes",
    "Size of responses; of those in chunks, the bytes that were sent.",
    LABELS,
    bounds=[10.0**power for power in range(11)],
)
PHASES = {
    "read": Histogram(
        "tiled_read_duration_seconds", "Time spent finding and reading data.", LABELS
    ),
    "pack": Histogram("tiled_pack_duration_seconds", "Time spent serializing data.", LABELS),
    "tok": Histogram("tiled_tokenization_duration_seconds", "Time spent making ETags.", LABELS),
}
COMPRESSION = Histogram(
    "tiled_compress_duration_seconds", "Time spent compressing.", (*LABELS, "encoding")
)
COMPRESSION_RATIO = Histogram(
    "tiled_compress_ratio",
    "Size of responses before compression, divided by the size after.",
    (*LABELS, "encoding"),
    bounds=[1, 2.5, 5, 10, 15, 30, 60, 120],
)

IN_PROGRESS = Gauge("tiled_requests_in_progress", "Requests that are not answered completely.")
THREADS = Gauge(
    "tiled_request_threads",
    "Threads that handle requests, by state.",
    ("state",),
    (("busy",), ("idle",)),
)
QUEUED = Gauge("tiled_requests_queued", "Requests that wait for a thread.")
SHARE_RUNNING = Gauge(
    "tiled_request_share_running",
    "Requests that run, by the share of the threads that they belong to (budgets).",
    ("share",),
    SHARES,
)
SHARE_WAITING = Gauge(
    "tiled_request_share_waiting",
    "Requests that wait for a thread of their share (budgets).",
    ("share",),
    SHARES,
)
BODIES = Gauge("tiled_request_bodies_arriving", "Requests whose body is not complete yet.")
BODY_MEMORY = Gauge("tiled_request_body_memory_bytes", "Memory that holds request bodies.")
TEMPORARY_FILES = Gauge(
    "tiled_temporary_files", "Temporary files of request bodies and exports (budgets)."
)
TEMPORARY_BYTES = Gauge("tiled_temporary_bytes", "Bytes in temporary files (budgets).")
ANSWER_BYTES = Gauge("tiled_answer_bytes", "Bytes of responses that are being sent (budgets).")


def method_label(method: str) -> str:
    """Return the label of a method; clients may invent others."""
    return method if method in METHODS else OTHER


def record_phases(method: str, status: int, endpoint: str, encoding: str | None) -> None:
    """Record the phases of the request that this thread has just handled, if it reads."""
    if method not in READING:
        return
    parts = server_timing.parts()
    labels = (method_label(method), str(status), endpoint)
    for name, histogram in PHASES.items():
        if name in parts:
            histogram.labels(*labels).observe(parts[name])
    if encoding and "compress" in parts:
        COMPRESSION.labels(*labels, encoding).observe(parts["compress"])
        ratio = server_timing.ratio()
        if ratio is not None:
            COMPRESSION_RATIO.labels(*labels, encoding).observe(ratio)
