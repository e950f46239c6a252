"""Fewer points for very long lines, which look the same and are drawn in a fraction of the time."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

# A line of this many points is drawn as it is.
MAX_POINTS = 2000
# Intervals of a longer line, each of which is drawn by its extremes: more than a figure has pixels.
INTERVALS = 1000


def thinned(x: Array, y: Array, limits: tuple[float, float] | None = None) -> tuple[Array, Array]:
    """Return the minimum and the maximum of each of `INTERVALS` groups of adjacent points.

    Parameters
    ----------
    x, y
        The points.
    limits
        The part of x that is in view, if that is not all; more of it is kept then.
    """
    if limits is not None and x.dtype.kind in "iuf" and bool(np.all(x[1:] >= x[:-1])):
        first, last = np.searchsorted(x, limits)
        part = slice(max(0, int(first) - 1), int(last) + 1)
        x, y = x[part], y[part]
    if len(y) <= MAX_POINTS or y.dtype.kind not in "iuf":
        return x, y
    size = -(-len(y) // INTERVALS)
    groups = np.full((-(-len(y) // size), size), np.nan)
    groups.ravel()[: len(y)] = y
    lowest = np.where(np.isnan(groups), np.inf, groups).argmin(axis=1)
    highest = np.where(np.isnan(groups), -np.inf, groups).argmax(axis=1)
    starts = np.arange(len(groups)) * size
    index = (np.sort([lowest, highest], axis=0) + starts).T.ravel()
    return x[index], y[index]
