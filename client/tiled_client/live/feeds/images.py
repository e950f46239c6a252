"""The newest image of an array, no larger than what the display can show of it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from ...stream.updates import ArrayUpdate, DataUpdate
from .feed import LiveFeed
from .frames import (
    METHODS,
    Frame,
    ImageLayout,
    ImageRequest,
    Region,
    has_whole_images,
    last_image,
    request_for,
)
from .jobs import RepeatedJob

# A canvas on which no image needs to be made smaller.
UNLIMITED = (1 << 20, 1 << 20)
# Seconds between reads, while parts of an image are written.
REREAD_INTERVAL = 0.3
# Seconds after which another part of the image is requested, while a user zooms.
ZOOM_INTERVAL = 0.2
# Seconds to wait for the newest update of a subscription, until the stored image is read instead.
PATIENCE = 2.0


class ImageFeed(LiveFeed[Frame]):
    """The newest image of an array.

    An update that has a whole image is shown as it is; after others the image is read.

    Parameters
    ----------
    canvas
        Height and width of the display in pixels.
    max_rate
        Maximum number of images per second.
    method
        How the server makes images smaller; see `METHODS`.
    """

    def __init__(self, node: Any, canvas: tuple[int, int], max_rate: float, method: str) -> None:
        super().__init__(node)
        if method not in METHODS:
            raise ValueError(f"reduce must be one of {', '.join(METHODS)}, not {method!r}")
        self._layout = ImageLayout.parse(node.structure)
        self._canvas = canvas
        self._visible: Region | None = None
        self._max_rate = max_rate
        self._method = method
        self._request = self._wanted()
        self._frame: Frame | None = None
        # Set once an update was received for the present request.
        self._answered = threading.Event()
        self._is_streamed = False
        self._reread = RepeatedJob(lambda: self._guard(self._read), REREAD_INTERVAL)
        self._zoom = RepeatedJob(lambda: self._guard(self._retarget), ZOOM_INTERVAL)

    @property
    def layout(self) -> ImageLayout:
        """The meaning of the array's axes, as far as is known."""
        return self._layout

    def start(self) -> None:
        """Subscribe, and read the stored image if no update has brought one."""
        self._subscribe_to(self._request)
        if self._frame is None:
            self._read()

    def peek(self) -> Frame | None:
        """Return the newest image."""
        return self._frame

    def look_at(self, visible: Region | None, canvas: tuple[int, int]) -> None:
        """Request another region (None for all), for a canvas of this size; returns at once."""
        with self._lock:
            if (visible, canvas) == (self._visible, self._canvas):
                return
            self._visible, self._canvas = visible, canvas
        self._zoom.request()

    def close(self) -> None:
        """End the subscription."""
        self._reread.close()
        self._zoom.close()
        super().close()

    def _wanted(self, index: list[int] | None = None) -> ImageRequest:
        if not self._has_options:
            return request_for(self._layout, None, UNLIMITED, "mean", index)
        return request_for(self._layout, self._visible, self._canvas, self._method, index)

    def _subscribe_to(self, request: ImageRequest) -> None:
        with self._lock:
            self._request = request
            self._answered.clear()
        had_options = self._has_options
        self._subscribe(
            "latest",
            policy="latest",
            max_rate=self._max_rate,
            slice=request.slice,
            reduce=request.reduce,
        )
        if had_options and not self._has_options:
            self._request = self._wanted()

    def _on_update(self, update: DataUpdate) -> None:
        layout, request = self._layout, self._request
        is_whole = isinstance(update, ArrayUpdate) and has_whole_images(
            update.shape, update.offset, layout, request
        )
        self._answered.set()
        if is_whole:
            self._is_streamed = True
            self._show(
                last_image(update.data(), layout, request, update.sequence, update.timestamp)
            )
        else:
            self._reread.request()

    def _retarget(self) -> None:
        """Subscribe to what the display can show now, if that has changed."""
        request = self._wanted()
        before = self._request
        if (request.slice, request.reduce) == (before.slice, before.reduce):
            self._request = request
            return
        if self._is_over():
            self._request = request
            self._read()
            return
        self._subscribe_to(request)
        # The stored image is not that of a stream that is not stored.
        if not self._is_streamed or not self._answered.wait(PATIENCE):
            self._read()

    def _is_over(self) -> bool:
        return self._sub is not None and self._sub.state == "closed"

    def _read(self) -> None:
        """Read the newest stored image."""
        self.node.refresh()
        layout = ImageLayout.parse(self.node.structure)
        if (layout.height, layout.width) != (self._layout.height, self._layout.width):
            self._layout = layout
            # Rows were added: perhaps they no longer fit the canvas.
            self._zoom.request()
            self._request = self._wanted()
        self._layout = layout
        if layout.is_empty:
            return
        index = [size - 1 for size in layout.lead]
        request = self._wanted(index)
        data = self.node.read(request.slice or ..., reduce=request.reduce)
        # Dask computes here.
        self._show(last_image(np.asarray(data), layout, request, None, None))

    def _show(self, frame: Frame) -> None:
        with self._lock:
            self._frame = frame
            self._offer()
