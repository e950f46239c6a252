"""Metrics of the server's processes, and the task that samples them in each worker."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import time
from collections.abc import Awaitable, Callable
from typing import Any

import django

from core.metrics.families import Counter, Gauge, Histogram, SiteGauge
from core.metrics.sources import on_scrape, tick
from core.version import VERSION

INTERVAL_SECONDS = 1.0
STATM = "/proc/self/statm"
DESCRIPTORS = "/proc/self/fd"

BUILD_INFO = SiteGauge(
    "tiled_build_info",
    "1, labelled with the versions of this server, Python and Django.",
    ("version", "python", "django"),
)
STARTED = SiteGauge(
    "tiled_server_start_time_seconds", "When the server was started, in seconds since 1970."
)
WORKERS = Gauge("tiled_workers", "Worker processes that run.")
WORKERS_CONFIGURED = SiteGauge("tiled_workers_configured", "Worker processes that should run.")
RESTARTS = Counter(
    "tiled_worker_restarts_total", "Worker processes that ended unexpectedly and were replaced."
)
LOOP_LAG = Histogram(
    "tiled_event_loop_lag_seconds",
    "How much later than it should the event loop of a worker process resumes a task.",
)
CPU = Counter("tiled_worker_cpu_seconds_total", "Processor time by worker process.", ("worker",))
MEMORY = Gauge(
    "tiled_worker_resident_memory_bytes",
    "Memory by worker process, shared pages included.",
    ("worker",),
)
FILES = Gauge("tiled_worker_open_files", "Open files and sockets by worker process.", ("worker",))
FILES_LIMIT = SiteGauge(
    "tiled_worker_open_files_limit", "Open files and sockets that a worker process may have."
)

Application = Callable[[Any, Any, Any], Awaitable[None]]


@on_scrape
def describe_build() -> None:
    """Set the metric with the versions."""
    BUILD_INFO.labels(VERSION, platform.python_version(), django.get_version()).set(1)


def describe_start(workers: int) -> None:
    """Set the metrics of the start of a server with so many worker processes."""
    STARTED.set(time.time())
    WORKERS_CONFIGURED.set(workers)


class ProcessSampler:
    """Samples the resources of this process, the worker with a number."""

    def __init__(self, number: int) -> None:
        self._worker = str(number)
        self._cpu = 0.0

    def sample(self) -> None:
        """Measure processor time, memory and open files."""
        WORKERS.set(1)
        cpu = time.process_time()
        CPU.labels(self._worker).add(cpu - self._cpu)
        self._cpu = cpu
        MEMORY.labels(self._worker).set(_resident_bytes())
        FILES.labels(self._worker).set(_open_files())
        FILES_LIMIT.set(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


class SampledApplication:
    """An ASGI application whose process is sampled from its first event on."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Start sampling with the first call, which at uvicorn is that of the lifespan."""
        if self._task is None:
            tick()
            self._task = asyncio.create_task(sample_forever())
        await self._application(scope, receive, send)


async def sample_forever() -> None:
    """Sample every second, and measure how late the event loop is."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + INTERVAL_SECONDS
        await asyncio.sleep(INTERVAL_SECONDS)
        LOOP_LAG.observe(max(loop.time() - due, 0.0))
        tick()


def _resident_bytes() -> float:
    try:
        with open(STATM) as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:  # not Linux: the maximum so far, in kilobytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _open_files() -> int:
    try:
        return len(os.listdir(DESCRIPTORS))
    except OSError:
        return 0
