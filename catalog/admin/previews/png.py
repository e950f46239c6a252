"""Render a frame as a small PNG."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

Array = np.ndarray[Any, Any]

MAX_SIDE_PIXELS = 512
# Small frames are enlarged, and very narrow ones widened.
MIN_SIDE_PIXELS = 96
SAMPLED_PIXELS = 1_000_000
SCALED_PIXELS_AT_ONCE = 1_000_000
PERCENTILES = (1, 99)


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG as a data URI, its displayed size in pixels, and the grey scale.

    `low` is black and `high` white; both are None for a colour image.
    """

    uri: str
    width: int
    height: int
    low: float | None = None
    high: float | None = None


def grey_picture(frame: Array) -> Picture:
    """Render a frame of numbers (rows, columns) in grey, from its 1st to its 99th percentile.

    Complex numbers are shown by magnitude. Values that are not a number are black.
    """
    low, high = _limits(frame)
    grey = np.empty(frame.shape, np.uint8)
    rows = max(SCALED_PIXELS_AT_ONCE // frame.shape[1], 1)
    # In pieces, since floats take several times the memory of most frames.
    for start in range(0, len(frame), rows):
        grey[start : start + rows] = _scaled(frame[start : start + rows], low, high)
    return _picture(Image.fromarray(grey), low, high)


def colour_picture(frame: Array) -> Picture:
    """Render a frame of bytes (rows, columns, 3 or 4) in its own colours."""
    return _picture(Image.fromarray(np.ascontiguousarray(frame)))


def real_values(array: Array) -> Array:
    """Return numbers to draw: floats as narrow as possible; magnitudes of complex numbers."""
    if array.dtype.kind == "c":
        array = np.abs(array)
    narrow = array.dtype.itemsize <= (4 if array.dtype.kind == "f" else 2)
    return array.astype(np.float32 if narrow else np.float64)


def _scaled(frame: Array, low: float, high: float) -> Array:
    with np.errstate(all="ignore"):
        scaled = (real_values(frame) - low) * (255 / (high - low) if high > low else 0)
        return np.nan_to_num(np.clip(scaled, 0, 255), nan=0).astype(np.uint8)


def _limits(frame: Array) -> tuple[float, float]:
    step = max(int((frame.size / SAMPLED_PIXELS) ** 0.5), 1)
    sample = real_values(frame[::step, ::step])
    finite = sample[np.isfinite(sample)]
    if not finite.size:
        return 0.0, 0.0
    low, high = np.percentile(finite, PERCENTILES)
    if low == high:
        # A few bright pixels on a dark background, or a constant frame.
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def _picture(image: Image.Image, low: float | None = None, high: float | None = None) -> Picture:
    factor = -(-max(image.size) // MAX_SIDE_PIXELS)
    small = image.reduce(factor) if factor > 1 else image
    buffer = io.BytesIO()
    small.save(buffer, "PNG")
    uri = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    width, height = _shown_size(*small.size)
    return Picture(uri, width, height, low, high)


def _shown_size(width: int, height: int) -> tuple[int, int]:
    scale = max(MAX_SIDE_PIXELS // max(width, height), 1)
    return max(width * scale, MIN_SIDE_PIXELS), max(height * scale, MIN_SIDE_PIXELS)
