"""Functions that find values which are not counted: at each tick of a worker, or for a scrape."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

Source = Callable[[], None]
# Several scrapers, or impatient ones, do not multiply the queries.
REFRESH_SECONDS = 5.0

_ticks: list[Source] = []
_scrapes: list[Source] = []
_lock = threading.Lock()
_refreshed = float("-inf")


def on_tick(source: Source) -> Source:
    """Call `source` on the event loop of each worker, every second. It must not block."""
    _ticks.append(source)
    return source


def on_scrape(source: Source) -> Source:
    """Call `source` in the thread of a scrape, at most every REFRESH_SECONDS in each process."""
    _scrapes.append(source)
    return source


def tick() -> None:
    """Call all sources of ticks."""
    _call(_ticks)


def refresh() -> None:
    """Call all sources of scrapes, unless another scrape did so just before."""
    global _refreshed
    with _lock:
        if time.monotonic() - _refreshed >= REFRESH_SECONDS:
            _call(_scrapes)
            _refreshed = time.monotonic()


def _call(sources: list[Source]) -> None:
    for source in sources:
        try:
            source()
        except Exception:  # Metrics must not fail because one of them does.
            logger.warning("Could not find the values of some metrics", exc_info=True)
