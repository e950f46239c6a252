"""Durations of the phases of a request, for the `Server-Timing` header.

`read`: finding and reading the data; `pack`: serialization; `tok`: ETag; `compress`: compression;
`app`: everything. A request runs in one thread, so durations are per thread. Source:
docs/reference/tiled-protocol/http.md, "Response headers".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class _Durations(threading.local):
    began = 0.0
    ready = 0.0

    def __init__(self) -> None:
        self.parts: dict[str, float] = {}
        self.words: dict[str, str] = {}
        self.ratio: float | None = None


_here = _Durations()


def start() -> None:
    """Start measuring a request."""
    _here.parts = {}
    _here.words = {}
    _here.ratio = None
    _here.ready = 0.0
    _here.began = perf_counter()


def mark_authorized() -> None:
    """Mark the request as authorized: from here to the first named phase is `read`."""
    _here.ready = perf_counter()


@contextmanager
def measure(name: str) -> Iterator[None]:
    """Measure the block as the part `name`; times of the same name are added up."""
    start = perf_counter()
    if _here.ready:
        _here.parts["read"] = start - _here.ready
        _here.ready = 0.0
    try:
        yield
    finally:
        _here.parts[name] = _here.parts.get(name, 0.0) + perf_counter() - start


def parts() -> dict[str, float]:
    """Return the durations of the phases so far, in seconds."""
    return _here.parts


def ratio() -> float | None:
    """Return the ratio of compression; None if the response was not compressed."""
    return _here.ratio


def annotate_ratio(name: str, ratio: float) -> None:
    """Put the ratio of compression behind the duration of the part `name`."""
    _here.ratio = ratio
    _here.words[name] = f";ratio={ratio:.1f}"


def server_timing() -> str:
    """Return the value of the header, in milliseconds."""
    parts = {**_here.parts, "app": perf_counter() - _here.began}
    return ", ".join(
        f"{name};dur={seconds * 1000:.1f}{_here.words.get(name, '')}"
        for name, seconds in parts.items()
    )
