"""Arrays as small pictures. No I/O."""

from __future__ import annotations

from typing import Any

import numpy as np

from .markup import Markup, tag
from .png import LEVELS, data_url, encode_colours, encode_levels

Array = np.ndarray[Any, np.dtype[Any]]

# Pixels on a side: 50,000 and 16,000 in all, so that an image of noise has some 60 KB.
MAX_SIDE, MAX_COLOUR_SIDE = 224, 128
# Size on the screen of the longer side, and of the shorter one at least.
SCREEN, MIN_SCREEN = 320, 24


def level_picture(values: Array, size: tuple[int, int]) -> tuple[Markup, str]:
    """Return the picture of numbers, and the values of its darkest and lightest colour."""
    low, high = bounds(values)
    with np.errstate(all="ignore"):
        scaled = (values.astype(np.float64) - low) / ((high - low) or 1.0)
        levels = np.clip(np.nan_to_num(scaled), 0, 1) * (LEVELS - 1)
    levels = np.where(np.isnan(scaled), LEVELS, np.rint(levels))
    found = f"{low:.4g} to {high:.4g}" if np.isfinite(low) else "no finite values"
    return _image(encode_levels(levels), size), found


def colour_picture(pixels: Array, size: tuple[int, int]) -> Markup:
    """Return the picture of pixels of three or four bytes."""
    return _image(encode_colours(np.clip(np.rint(pixels), 0, 255)), size)


def bounds(values: Array) -> tuple[float, float]:
    """Return the range of the finite values, without the outermost, which may be hot pixels."""
    finite = values[np.isfinite(values)].astype(np.float64)
    if not finite.size:
        return np.nan, np.nan
    low, high = np.percentile(finite, (0.5, 99.5))
    if low == high:
        low, high = finite.min(), finite.max()
    return float(low), float(high)


def sides(frame: tuple[int, int]) -> tuple[int, int]:
    """Return height and width on the screen, in the proportion of the frame if it is not long."""
    scale = SCREEN / max(frame)
    height, width = (max(round(size * scale), MIN_SCREEN) for size in frame)
    return height, width


def _image(image: bytes, size: tuple[int, int]) -> Markup:
    height, width = size
    style = f"width: {width}px; height: {height}px; max-width: 100%; image-rendering: pixelated"
    return tag("img", src=data_url(image), alt="picture of the array", style=style)
