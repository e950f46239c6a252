"""A run: write and watch while faults happen, and compare in the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .checker import problems
from .journal import DELIVERIES, WRITES, Journal, end_of, lines
from .load import Load
from .nodes import Held
from .problems import Problem, Trouble
from .report import Report, report_of
from .scenarios import SCENARIOS
from .server import API_KEY
from .sites import Site
from .subscriber import Kind, Subscriber
from .world import World
from .writers import Operation

QUIET = 30.0
# What a balancer answers while a server that was chosen is gone.
BAD_GATEWAY = (502, 504)


def run(
    here: World,
    name: str,
    seconds: float,
    *,
    uri: str | None = None,
    quiet: float = QUIET,
    record: Path | None = None,
    producers: int = 0,
) -> Report:
    """Write and watch for some time while the scenario's faults happen; then compare.

    `uri` is where subscribers connect, if that is not where writers do. After `quiet` seconds
    without a fault, all promises have to be kept. `record` is a folder for the journal.
    `producers` is how many of the writers use the ingest endpoint.
    """
    scenario = SCENARIOS[name]
    site = Site(here.uris, API_KEY, of_proxies=BAD_GATEWAY if here.balancer else ())
    journal = Journal(record)
    load = Load(site, journal=journal, producers=producers)
    load.prepare()
    subscribers = subscribers_of([uri] if uri else site.uris, load)
    for subscriber in subscribers:
        subscriber.start()
    load.start()
    stored: dict[str, Held] = {}
    try:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, scenario.pause))
            scenario.fault(here)
    finally:
        load.stop()
        stored, found = _when_quiet(load, subscribers, quiet)
        for subscriber in subscribers:
            subscriber.stop()
        for subscriber in subscribers:
            subscriber.join()
    journal.end(
        {
            "stored": stored,
            "statuses": list(site.statuses.items()),
            "mistakes": [(one.trouble.value, one.text) for one in site.mistakes],
            "subscribers": [(one.label, one.names, one.kind.value) for one in subscribers],
        }
    )
    return report_of(load.operations, subscribers, site.statuses, found)


def judge(folder: Path) -> Report:
    """Judge a run by its journal. Raises FileNotFoundError if it did not come to its end."""
    end = end_of(folder)
    fields = ("name", "number", "acknowledged", "place", "last", "at")
    operations = [
        Operation(**{field: line[field] for field in fields}) for line in lines(folder, WRITES)
    ]
    subscribers = {
        label: Subscriber([], "", "", names, Kind(kind), label=label)
        for label, names, kind in end["subscribers"]
    }
    for line in lines(folder, DELIVERIES):
        subscribers[line["subscriber"]].note(line["event"], line["name"], *line["values"])
    stored = {
        name: [(place, number) for place, number in held] for name, held in end["stored"].items()
    }
    found = problems(operations, stored, list(subscribers.values()))
    found += [Problem(Trouble(trouble), text) for trouble, text in end["mistakes"]]
    statuses = Counter(dict(end["statuses"]))
    return report_of(operations, list(subscribers.values()), statuses, found)


def subscribers_of(uris: Sequence[str], load: Load) -> list[Subscriber]:
    """Return two subscribers of each node, one of which disconnects, and two of all of them."""
    single = [((name,), Kind.SINGLE, after) for name in load.names for after in (None, 2.5)]
    several = [(load.names, Kind.MULTI, 4.0), ((*load.names, "inside"), Kind.RECURSIVE, None)]
    return [
        Subscriber(
            [*uris[index % 2 :], *uris[: index % 2]],
            API_KEY,
            load.root,
            names,
            kind,
            after,
            load.journal,
            label=f"{index} {kind.value}",
        )
        for index, (names, kind, after) in enumerate([*single, *several])
    ]


def _when_quiet(
    load: Load, subscribers: list[Subscriber], seconds: float
) -> tuple[dict[str, Held], list[Problem]]:
    """Return what is wrong when all has arrived that will, at the latest after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        stored = load.stored()
        found = problems(load.operations, stored, subscribers)
        if not found or time.monotonic() > deadline:
            return stored, found + load.site.mistakes
        time.sleep(0.5)
