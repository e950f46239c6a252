"""Metrics of the streams. docs/how-to/monitor.md explains them."""

from __future__ import annotations

from core.metrics.families import SECONDS, Counter, Gauge, Histogram, SiteGauge

from .protocol.notices import Reason

ENDPOINTS = (("single",), ("multi",), ("ingest",))
REASONS = tuple((reason.value,) for reason in Reason)

CONNECTIONS = Gauge(
    "tiled_stream_connections", "Open WebSockets, by endpoint.", ("endpoint",), ENDPOINTS
)
CONNECTIONS_OPENED = Counter(
    "tiled_stream_connections_opened_total",
    "WebSocket handshakes that were accepted, by endpoint.",
    ("endpoint",),
    ENDPOINTS,
)
HANDSHAKES_REJECTED = Counter(
    "tiled_stream_handshakes_rejected_total",
    "WebSocket handshakes that were rejected, by endpoint and HTTP status.",
    ("endpoint", "code"),
)
CLOSES = Counter(
    "tiled_stream_closes_total",
    "Closed WebSockets, by endpoint, close code, and the side that closed them.",
    ("endpoint", "code", "by"),
)
UNAUTHENTICATED = Gauge(
    "tiled_stream_unauthenticated_connections", "Open WebSockets without credentials so far."
)
SUBSCRIPTIONS = Gauge("tiled_stream_subscriptions", "Subscriptions to nodes.")
NODES_FOLLOWED = Gauge(
    "tiled_stream_nodes_followed",
    "Nodes with subscribers, counted once in each worker process that has some.",
)
WINDOW_BYTES = Gauge("tiled_stream_window_bytes", "Bytes of recent updates in memory.")

MESSAGES_APPENDED = Counter(
    "tiled_stream_messages_appended_total", "Updates that were appended to streams."
)
BYTES_APPENDED = Counter(
    "tiled_stream_appended_bytes_total", "Bytes of updates that were appended to streams."
)
FRAMES_RECEIVED = Counter(
    "tiled_ingest_frames_received_total", "Frames that producers sent to the ingest endpoint."
)
MESSAGES_DELIVERED = Counter(
    "tiled_stream_messages_delivered_total", "Messages that were sent to subscribers."
)
BYTES_DELIVERED = Counter(
    "tiled_stream_delivered_bytes_total", "Bytes of messages that were sent to subscribers."
)
LAG = Histogram(
    "tiled_stream_lag_seconds",
    "Time from the append of an update until it was sent to a subscriber, replay excluded.",
    bounds=(*SECONDS[:-1], 30.0, 60.0),
)
GAPS = Counter("tiled_stream_gaps_total", "Gaps in subscriptions, by reason.", ("reason",), REASONS)
UPDATES_MISSED = Counter(
    "tiled_stream_updates_missed_total",
    "Updates in gaps, by reason: not delivered to one subscriber.",
    ("reason",),
    REASONS,
)
RESETS = Counter(
    "tiled_stream_resets_total", "Subscriptions whose numbering began again, as Redis lost data."
)

OUTBOX_DEFERRED = Counter(
    "tiled_outbox_deferred_total", "Updates that could not be appended and went to the outbox."
)
OUTBOX_ENTRIES = SiteGauge(
    "tiled_outbox_entries", "Updates in the outbox, which wait for the streaming cache."
)
OUTBOX_BYTES = SiteGauge("tiled_outbox_bytes", "Bytes of updates in the outbox.")
OUTBOX_OLDEST = SiteGauge(
    "tiled_outbox_oldest_seconds", "Age of the oldest update in the outbox; 0 if it is empty."
)

REDIS_UP = SiteGauge("tiled_redis_up", "1 if this Redis responds, 0 if it does not.", ("redis",))
REDIS_MEMORY = SiteGauge("tiled_redis_memory_used_bytes", "Memory that Redis uses.", ("redis",))
REDIS_MEMORY_MAX = SiteGauge(
    "tiled_redis_memory_max_bytes", "Memory that Redis may use; 0 without a limit.", ("redis",)
)
REDIS_EVICTED = SiteGauge(
    "tiled_redis_evicted_keys_total",
    "Keys that Redis evicted by itself since it started.",
    ("redis",),
    kind="counter",
)
EVICTED_BYTES = Counter(
    "tiled_stream_evicted_bytes_total",
    "Bytes of old updates that this server removed because Redis was full.",
)
STREAMS_RETAINED = SiteGauge(
    "tiled_stream_streams_retained", "Streams that all Redis know, counted once a minute."
)
