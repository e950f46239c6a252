"""Series of numbers as small drawings in SVG. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .markup import Markup, tag

Array = np.ndarray[Any, np.dtype[Any]]

WIDTH, HEIGHT, MARGIN = 320, 64, 3


def line(values: Array) -> tuple[Markup, str]:
    """Return a line with gaps where numbers are not finite, and the range of values."""
    return band(values, values)


def band(low: Array, high: Array) -> tuple[Markup, str]:
    """Return the area between two lines, and the range of values."""
    low, high = low.astype(np.float64), high.astype(np.float64)
    is_known = np.isfinite(low) & np.isfinite(high)
    if not is_known.any():
        return _svg(), "no finite values"
    bottom, top = low[is_known].min(), high[is_known].max()
    drawn = []
    for first, last in _runs(is_known):
        x = _positions(np.arange(first, last), 0, max(len(low) - 1, 1), WIDTH)
        upper = HEIGHT - _positions(high[first:last], bottom, top, HEIGHT)
        if np.array_equal(low[first:last], high[first:last]):
            drawn.append(_shape("polyline", x, upper))
        else:
            lower = HEIGHT - _positions(low[first:last], bottom, top, HEIGHT)
            x, y = np.concatenate([x, x[::-1]]), np.concatenate([upper, lower[::-1]])
            drawn.append(_shape("polygon", x, y))
    return _svg(*drawn), f"{bottom:.4g} to {top:.4g}"


def _runs(is_known: Array) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_known, [False]]).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def _positions(values: Array, low: float, high: float, size: int) -> Array:
    """Return where values lie on an axis of that size; in the middle, if all are the same."""
    inner = size - 2 * MARGIN
    if not high > low:
        return np.full(len(values), size / 2)
    # Halved first, since the difference of two large numbers may be infinite.
    return MARGIN + inner * ((values / 2 - low / 2) / (high / 2 - low / 2))


def _shape(name: str, x: Array, y: Array) -> Markup:
    if len(x) == 1:
        return tag("circle", cx=f"{x[0]:.1f}", cy=f"{y[0]:.1f}", r=1.5, fill="currentColor")
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    fill = "none" if name == "polyline" else "currentColor"
    return tag(name, points=points, fill=fill)


def _svg(*shapes: Markup) -> Markup:
    view = f"0 0 {WIDTH} {HEIGHT}"
    style = f"width: {WIDTH}px; height: {HEIGHT}px; max-width: 100%; opacity: 0.8"
    outline = {"stroke": "currentColor", "stroke_width": 1.2, "stroke_linejoin": "round"}
    return tag("svg", *shapes, viewBox=view, role="img", style=style, **outline)
