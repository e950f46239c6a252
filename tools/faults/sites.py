"""Servers of the same data; the next one is used if one is unreachable."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import requests

from .problems import Problem, Trouble

TIMEOUT = 30.0
PAUSE = 0.1
PATIENCE = 60.0


@dataclass
class Site:
    """Servers, and what they have answered.

    `mistakes` are answers that nothing in the load or the faults excuses: 500, and refusals. What
    a proxy answers in the place of a server (`of_proxies`) leaves the outcome unknown.
    """

    uris: Sequence[str]
    api_key: str
    of_proxies: Sequence[int] = ()
    statuses: Counter[int | None] = field(default_factory=Counter)
    mistakes: list[Problem] = field(default_factory=list)
    _of_thread: threading.local = field(default_factory=threading.local)

    def prefer(self, index: int) -> None:
        """Let this thread begin with the server of this index."""
        self._of_thread.index = index

    def send(
        self,
        method: str,
        address: str,
        body: bytes | None = None,
        *,
        key: str | None = None,
        also: Sequence[int] = (),
        **headers: str,
    ) -> requests.Response | None:
        """Return the answer, None if there was none. `key` is an Idempotency-Key.

        `also` has statuses that are not errors.
        """
        index = getattr(self._of_thread, "index", 0)
        address = f"{self.uris[index % len(self.uris)]}/api/v1/{address}"
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Authorization": f"Apikey {self.api_key}"}
        sent |= {} if key is None else {"Idempotency-Key": key}
        try:
            answer = requests.request(method, address, data=body, headers=sent, timeout=TIMEOUT)
        except requests.RequestException:
            self._of_thread.index = index + 1
            self.statuses[None] += 1
            return None
        status = answer.status_code
        self.count(status, f"{method} {address}: {status} {answer.text[:200]}", also)
        return answer

    def count(self, status: int, text: str, also: Sequence[int] = ()) -> None:
        """Count an answer, described by `text`. `also` has statuses that are not errors."""
        self.statuses[status] += 1
        if status not in {200, 429, 503, 507, *self.of_proxies, *also}:
            self.mistakes.append(Problem(Trouble.OTHER, text))

    def read(self, address: str, media_type: str = "application/json") -> bytes:
        """Return the stored data, as soon as a server responds. Raises HTTPError, TimeoutError."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.send("GET", address, Accept=media_type)
            if answer is not None and answer.status_code < 500:
                answer.raise_for_status()
                return answer.content
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} could not be read for {PATIENCE:.0f} s: {answer}")
            time.sleep(PAUSE)


def outcome(answer: requests.Response | None) -> bool | None:
    """Return whether a write was acknowledged; None if that is not known."""
    if answer is None or answer.status_code >= 500 or answer.status_code == 429:
        return None
    return answer.status_code == 200
