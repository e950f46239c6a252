"""Render a row of numbers as an SVG line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .png import real_values

Array = np.ndarray[Any, Any]

WIDTH, HEIGHT, MARGIN = 600.0, 180.0, 4.0
# Pairs of minimum and maximum that represent longer rows, so that no spike is lost.
BUCKETS = 300


@dataclass(frozen=True, slots=True)
class Line:
    """The points of a line, split at gaps (values that are not finite), and its range."""

    pieces: list[str]
    low: float
    high: float


def line(values: Array) -> Line:
    """Return the line through `values` (one dimension, not empty), within WIDTH by HEIGHT."""
    y = _envelope(real_values(values))
    finite = np.isfinite(y)
    if not finite.any():
        return Line([], np.nan, np.nan)
    low, high = float(y[finite].min()), float(y[finite].max())
    # Halved, since the difference of two floats may overflow.
    reach = high / 2 - low / 2
    places = (y / 2 - low / 2) / reach if reach else np.full(y.shape, 0.5)
    x = np.linspace(MARGIN, WIDTH - MARGIN, len(y)) if len(y) > 1 else np.full(1, WIDTH / 2)
    heights = HEIGHT - MARGIN - places * (HEIGHT - 2 * MARGIN)
    return Line(list(_pieces(x, heights, finite)), low, high)


def _envelope(values: Array) -> Array:
    if len(values) <= 2 * BUCKETS:
        return values
    starts = np.linspace(0, len(values), BUCKETS, endpoint=False).astype(int)
    ends = (np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts))
    return np.stack(ends, axis=1).ravel()


def _pieces(x: Array, y: Array, finite: Array) -> Iterator[str]:
    edges = np.flatnonzero(np.diff(finite)) + 1
    for numbers in np.split(np.arange(len(x)), edges):
        if finite[numbers[0]]:
            points = [f"{x[n]:.1f},{y[n]:.1f}" for n in numbers]
            # A single point is invisible in SVG; a line to itself is visible.
            yield " ".join(points if len(points) > 1 else points * 2)
