"""Scrape a server as Prometheus does."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from tests.servers import RunningServer

SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
TIMEOUT = 30.0


@dataclass(frozen=True)
class Scrape:
    """The samples of one scrape: the names, the labels and the value of each."""

    text: str

    @property
    def families(self) -> dict[str, str]:
        """The types of all metrics, by name."""
        return dict(re.findall(r"^# TYPE (\S+) (\S+)$", self.text, re.MULTILINE))

    def samples(self, name: str, **labels: str) -> list[tuple[dict[str, str], float]]:
        """Return the samples of a name with at least these labels."""
        found = []
        for line in self.text.splitlines():
            match = SAMPLE.fullmatch(line)
            if match and match[1] == name:
                own = dict(LABEL.findall(match[2] or ""))
                if labels.items() <= own.items():
                    found.append((own, float(match[3])))
        return found

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of these samples."""
        return sum(value for _, value in self.samples(name, **labels))


def scrape(address: str, authorization: str = "") -> Scrape:
    """Return the metrics at an address; each scrape makes a connection of its own."""
    request = urllib.request.Request(address)
    if authorization:
        request.add_header("Authorization", authorization)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return Scrape(response.read().decode())


def metrics_of(server: RunningServer) -> Scrape:
    """Return the metrics of a server, by its own key."""
    return scrape(f"{server.uri}/api/v1/metrics", f"Apikey {server.api_key}")


def wait_for(
    look: Callable[[], Scrape], condition: Callable[[Scrape], bool], timeout: float = TIMEOUT
) -> Scrape:
    """Scrape until the condition holds: gauges are sampled once a second."""
    deadline = time.monotonic() + timeout
    while not condition(found := look()):
        assert time.monotonic() < deadline, found.text
        time.sleep(0.1)
    return found
