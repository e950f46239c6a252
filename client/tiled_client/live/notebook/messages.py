"""Messages to the widget: a short description as JSON, and the numbers as buffers.

The types of the messages are in web/widget/types.js.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np

from ..feeds.frames import Array, Frame
from ..feeds.lines import Lines
from ..feeds.tables import Rows

C = TypeVar("C", contravariant=True)
Message = tuple[dict[str, Any], list[bytes]]

# Types that browsers have arrays of.
NUMBERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


class ContentEncoder(ABC, Generic[C]):
    """Encodes contents, each of which may continue the one before."""

    @abstractmethod
    def encode(self, content: C, *, whole: bool) -> Message:
        """Return the message; `whole` if it must not depend on those before."""


class ImageEncoder(ContentEncoder[Frame]):
    """Images, as the image view of the page has them."""

    def encode(self, content: Frame, *, whole: bool) -> Message:
        """Return the message of an image."""
        layout, region = content.layout, content.region
        pixels = _pixels(content.data)
        frame = {
            "dtype": pixels.dtype.name,
            "kind": pixels.dtype.kind,
            "height": pixels.shape[0],
            "width": pixels.shape[1],
            "channels": layout.channels,
            "y0": region.y0,
            "x0": region.x0,
            "dy": content.factor,
            "dx": content.factor,
            "fullHeight": layout.height,
            "fullWidth": layout.width,
            "time": None if content.time is None else content.time.timestamp() * 1000,
        }
        return {"type": "image", "frame": frame}, [pixels.tobytes()]


class LineEncoder(ContentEncoder[Lines]):
    """Lines; after the first message only the points that were added."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._generation = -1
        self._end = 0

    def encode(self, content: Lines, *, whole: bool) -> Message:
        """Return the message of the points that were not sent."""
        continues = not whole and content.generation == self._generation
        first = max(0, self._end - content.start) if continues else 0
        self._generation, self._end = content.generation, content.start + content.count
        columns = {} if content.x is None else {content.x_label: content.x}
        x, lines = [*columns.values()], list(content.y.items())
        values = [_floats(each[first:]) for each in [*x, *(points for _, points in lines)]]
        names = [*columns, *(name for name, _ in lines)]
        message = {
            "type": "lines",
            "generation": content.generation,
            "start": content.start + first,
            "xLabel": content.x_label,
            "time": content.x is not None and content.x.dtype.kind == "M",
            "hasX": content.x is not None,
            "limit": self._limit,
            "columns": [{"name": name, "type": "float64"} for name in names],
        }
        return message, [each.tobytes() for each in values]


class RowEncoder(ContentEncoder[Rows]):
    """Rows of a table; numbers as they are, other values as text."""

    def encode(self, content: Rows, *, whole: bool) -> Message:
        """Return the message of all rows that are shown."""
        encoded = [_column(values) for values in content.columns.values()]
        columns = [
            {"name": name, "type": kind}
            for name, (kind, _) in zip(content.columns, encoded, strict=True)
        ]
        message = {"type": "rows", "start": content.start, "columns": columns}
        return message, [buffer for _, buffer in encoded]


def _pixels(data: Array) -> Array:
    """Return pixels of a type that browsers have, in their byte order."""
    kind, size = data.dtype.kind, data.dtype.itemsize
    if kind == "c":
        return np.ascontiguousarray(data, np.complex64)
    if kind == "f" and size not in (4, 8):
        return np.ascontiguousarray(data, np.float32 if size < 4 else np.float64)
    return np.ascontiguousarray(data, data.dtype.newbyteorder("<"))


def _floats(values: Array) -> Array:
    """Return floats of 8 bytes: times in milliseconds since 1970, durations in seconds."""
    if values.dtype.kind in "mM":
        unit = np.timedelta64(1, "ms" if values.dtype.kind == "M" else "s")
        origin = values.dtype.type(0, "ms")
        seconds = (values - origin) / unit if values.dtype.kind == "M" else values / unit
        return np.asarray(seconds, "<f8")
    return np.asarray(values, "<f8")


def _column(values: Array) -> tuple[str, bytes]:
    if values.dtype.name in (*NUMBERS, "float32", "float64"):
        return values.dtype.name, values.astype(values.dtype.newbyteorder("<")).tobytes()
    if values.dtype.kind in "mM":
        values = values.astype(str)
    return "text", json.dumps(values.tolist(), default=str).encode()
