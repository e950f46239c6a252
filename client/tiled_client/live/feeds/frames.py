"""Translate the visible region of an array into a request, and the response into a frame. No I/O.

Arrays have leading axes (time, position), then rows and columns, then perhaps the channels of a
colour. Indices of rows and columns are those of the stored array.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from ...wire.structures import ArrayStructure

Array = np.ndarray[Any, np.dtype[Any]]

METHODS = ("mean", "max", "min", "sum", "stride")
# Names of an axis of colours.
COLOUR_AXIS = re.compile(r"c|rgb|colou?r|channel|band", re.IGNORECASE)
# Smaller images with a last axis of three or four are more likely tables of numbers.
LEAST_SIDE = 16


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the stored image, from row `y0` to before row `y1`, and columns alike."""

    y0: int
    y1: int
    x0: int
    x1: int


@dataclass(frozen=True, slots=True)
class ImageLayout:
    """The meaning of an array's axes."""

    lead: tuple[int, ...]
    height: int
    width: int
    channels: int

    @classmethod
    def parse(cls, structure: ArrayStructure) -> ImageLayout:
        """Return the layout of an array. Raises ValueError for others."""
        shape, dtype = tuple(structure.shape), structure.data_type.to_numpy()
        if dtype.kind not in "biufc":
            raise ValueError(f"data of dtype {dtype} cannot be shown as an image")
        if len(shape) < 2:
            raise ValueError(
                f"an array of shape {shape} is not an image: use live.line for one of one dimension"
            )
        colours = _has_colours(shape, dtype, structure.dims)
        spatial = shape[:-1] if colours else shape
        return cls(spatial[:-2], spatial[-2], spatial[-1], shape[-1] if colours else 1)

    @property
    def whole(self) -> Region:
        """The region of the whole image."""
        return Region(0, self.height, 0, self.width)

    @property
    def is_empty(self) -> bool:
        """Return whether there is no image yet."""
        return 0 in (*self.lead, self.height, self.width)


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """What to request: a slice, a reduction, and what these are of the stored image."""

    slice: str | None
    reduce: str | None
    factor: int
    region: Region


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """An image, or the part of one that is shown; a pixel stands for `factor` in both directions.

    `sequence` and `time` are those of the update; None if the image was read from storage.
    """

    data: Array
    region: Region
    factor: int
    layout: ImageLayout
    sequence: int | None = None
    time: datetime | None = None


def request_for(
    layout: ImageLayout,
    visible: Region | None,
    canvas: tuple[int, int],
    method: str = "mean",
    index: Sequence[int] | None = None,
) -> ImageRequest:
    """Return what to request for a region on a canvas, not more than this has pixels.

    Parameters
    ----------
    visible
        The region in view; None for all.
    canvas
        Height and width of the canvas in pixels.
    method
        How the server makes the image smaller; see `METHODS`.
    index
        The image along the leading axes; None for all images.
    """
    wanted = _clip(visible or layout.whole, layout)
    elements = (wanted.y1 - wanted.y0) * (wanted.x1 - wanted.x0)
    pixels = max(1, canvas[0] * canvas[1])
    factor = max(1, math.ceil(math.sqrt(elements / pixels)))
    region = _clip(
        Region(
            wanted.y0 // factor * factor,
            -(-wanted.y1 // factor) * factor,
            wanted.x0 // factor * factor,
            -(-wanted.x1 // factor) * factor,
        ),
        layout,
    )
    strided = factor > 1 and (method == "stride" or layout.channels > 1)
    step = factor if strided else 1
    parts = [
        *([str(one) for one in index] if index is not None else [":"] * len(layout.lead)),
        # Rows may still be added: a range that reaches the end is left open.
        _axis(region.y0, region.y1, layout.height, step),
        _axis(region.x0, region.x1, layout.width, step),
    ]
    reduced = factor > 1 and not strided
    return ImageRequest(
        None if set(parts) == {":"} else ",".join(parts),
        f"{method}:{factor},{factor}" if reduced else None,
        factor,
        region,
    )


def last_image(
    data: Array,
    layout: ImageLayout,
    request: ImageRequest,
    sequence: int | None,
    time: datetime | None,
) -> Frame:
    """Return the last image of what was received for a request."""
    axes = 3 if layout.channels > 1 else 2
    image = data.reshape(-1, *data.shape[-axes:])[-1]
    return Frame(image, request.region, request.factor, layout, sequence, time)


def has_whole_images(
    shape: Sequence[int], offset: Sequence[int] | None, layout: ImageLayout, request: ImageRequest
) -> bool:
    """Return whether a part of the requested array has whole images."""
    axes = 3 if layout.channels > 1 else 2
    if offset is None or any(offset[-axes:]):
        return False
    region, factor = request.region, request.factor
    size = (-(-(region.y1 - region.y0) // factor), -(-(region.x1 - region.x0) // factor))
    whole = size if axes == 2 else (*size, layout.channels)
    return tuple(shape[-axes:]) == whole


def lead_after(
    shape: Sequence[int], offset: Sequence[int] | None, lead: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the sizes of the leading axes after an update."""
    if offset is None:
        return lead
    ends = (first + size for first, size in zip(offset, shape, strict=True))
    return tuple(map(max, lead, ends))


def _has_colours(shape: tuple[int, ...], dtype: np.dtype[Any], dims: Sequence[str] | None) -> bool:
    """Return whether the last axis has colours: by its name, else by dtype and size."""
    if len(shape) < 3 or shape[-1] not in (3, 4) or dtype.kind not in "uif":
        return False
    if dims and dims[-1]:
        return COLOUR_AXIS.match(dims[-1]) is not None
    if dtype.kind != "u":
        return False
    return dtype.itemsize == 1 or (dtype.itemsize == 2 and min(shape[-3:-1]) >= LEAST_SIDE)


def _axis(start: int, stop: int, size: int, step: int) -> str:
    text = ":" if start == 0 and stop >= size else f"{start}:{stop}"
    return text if step == 1 else f"{text}:{step}"


def _clip(region: Region, layout: ImageLayout) -> Region:
    y0 = min(max(0, region.y0), max(0, layout.height - 1))
    x0 = min(max(0, region.x0), max(0, layout.width - 1))
    return Region(
        y0,
        max(y0 + 1, min(layout.height, region.y1)),
        x0,
        max(x0 + 1, min(layout.width, region.x1)),
    )
