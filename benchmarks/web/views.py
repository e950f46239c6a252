"""How soon a page shows a node: this project's page, and Tiled's."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np
from playwright.sync_api import Browser, Error

from ..load import Writer
from ..peers import KEY, Peer
from ..works import OCTETS, new_array
from .page import MeasuredPage, opened
from .works import POINTS, SIDE, UINT16, frames

CHILDREN = "/run\\d/.test(document.body?.textContent)"
IMAGE = "document.querySelector('.image-facts')?.textContent.includes('1448')"
LINE = "document.querySelector('.plot-canvas canvas')"
# Tiled's page draws every second pixel, and the first 1,000 points.
TILED_IMAGE = "document.querySelector('canvas')?.width === 724"
TILED_LINE = "document.querySelector('.recharts-line path')"


@dataclass(frozen=True)
class View:
    """A node, and the conditions in which each page shows it."""

    name: str
    path: str
    ours: str
    tiled: str


def views(peer: Peer) -> list[View]:
    """Create what is shown, beside the container `large` of the catalog."""
    image = new_array(
        peer,
        [],
        {
            "data_type": UINT16,
            "shape": [SIDE, SIDE],
            "chunks": [[SIDE], [SIDE]],
            "dims": None,
            "resizable": False,
        },
    )
    line = new_array(peer, [POINTS])
    wave = np.cumsum(np.random.default_rng(0).normal(size=POINTS))
    writer = Writer(peer)
    writer.send("PUT", f"/api/v1/array/full/{image}", frames()[0], OCTETS)
    writer.send("PUT", f"/api/v1/array/full/{line}", wave.tobytes(), OCTETS)
    writer.close()
    return [
        View("container of 100,000 children", "large", CHILDREN, CHILDREN),
        View("image of 1448 x 1448 uint16", image, IMAGE, TILED_IMAGE),
        View("line of 1,000,000 points", line, LINE, TILED_LINE),
    ]


HEADING = (
    "| first view of | | this page, s | Tiled's page, s | ratio |\n| --- | --- | --- | --- | --- |"
)


def compare(peer: Peer, tiled: str, browser: Browser, view: View, rounds: int) -> list[str]:
    """Return lines of the table: with an empty cache, and opened again in the same context."""
    ours = f"http://127.0.0.1:{peer.port}/ui/browse/{view.path}?api_key={KEY}"
    theirs = f"{tiled}/ui/browse/{view.path}"
    taken: dict[tuple[str, bool], list[float]] = {}
    for _ in range(rounds):
        for page, address, until in (("ours", ours, view.ours), ("tiled", theirs, view.tiled)):
            with opened(browser, until=until) as measured:
                for again in (False, True):
                    taken.setdefault((page, again), []).append(_open(measured, address))
    lines = []
    for again in (False, True):
        here, there = (statistics.median(taken[page, again]) for page in ("ours", "tiled"))
        cells = [
            view.name if not again else "",
            "again" if again else "empty cache",
            f"{here:.2f}",
            f"{there:.2f}",
            f"{there / here:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _open(measured: MeasuredPage, address: str) -> float:
    measured.page.goto(address, wait_until="commit")
    try:
        return measured.shown()
    except Error as error:
        raise RuntimeError(f"{address} was not shown: {error}") from error
