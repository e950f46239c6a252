"""A thread that repeats a job on request."""

from __future__ import annotations

import threading
from collections.abc import Callable


class RepeatedJob:
    """Runs a job on a separate thread, once for all requests since it began the last time.

    Parameters
    ----------
    job
        What to do.
    interval
        Minimum number of seconds between the end of a run and the begin of the next.
    """

    def __init__(self, job: Callable[[], None], interval: float) -> None:
        self._job = job
        self._interval = interval
        self._requested = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Have the job run soon. Does nothing after `close`."""
        with self._lock:
            if self._closing.is_set():
                return
            self._requested.set()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tiled-live", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread, after the run in progress."""
        with self._lock:
            self._closing.set()
            self._requested.set()

    def _run(self) -> None:
        while True:
            self._requested.wait()
            if self._closing.is_set():
                return
            self._requested.clear()
            self._job()
            self._closing.wait(self._interval)
