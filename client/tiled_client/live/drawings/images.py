"""Images in a figure of matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..feeds.frames import Array, Frame, ImageLayout, Region
from ..looks import COLOUR_MAPS, ImageLook
from .drawing import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

# Pixels that automatic limits are computed of.
SAMPLE_SIZE = 65_536
PERCENTILES = (0.1, 99.9)


class ImageDrawing(Drawing[Frame]):
    """An image with a colour bar, in the pixels of the stored array whatever part is read."""

    def __init__(self, figure: Figure, label: str, look: ImageLook) -> None:
        super().__init__(figure, label)
        self._look = look
        self._image: AxesImage | None = None
        self._layout: ImageLayout | None = None

    def update(self, content: Frame) -> None:
        """Show an image."""
        values = _displayed(content.data, content.layout.channels)
        if self._image is None:
            self._image = self._create(values, content)
        self._image.set_data(values)
        self._image.set_extent(_extent(content))
        if content.layout.channels == 1 and not self._is_frozen:
            self._image.set_clim(*limits_of(values, self._look))
        self._fit(content.layout)

    @property
    def visible(self) -> Region | None:
        """The region that the axes show; None for the whole image."""
        layout = self._layout
        if layout is None or self._shows_all(layout):
            return None
        x0, x1 = sorted(self.axes.get_xlim())
        y0, y1 = sorted(self.axes.get_ylim())
        return Region(int(y0 + 0.5), int(np.ceil(y1 + 0.5)), int(x0 + 0.5), int(np.ceil(x1 + 0.5)))

    @property
    def canvas(self) -> tuple[int, int]:
        """Height and width of the axes in pixels."""
        box = self.axes.get_window_extent()
        return max(1, round(box.height)), max(1, round(box.width))

    @property
    def _is_frozen(self) -> bool:
        return self._look.limits == "frozen" and self._layout is not None

    def _create(self, values: Array, frame: Frame) -> AxesImage:
        from matplotlib.colors import LogNorm

        image = self.axes.imshow(
            values,
            cmap=COLOUR_MAPS[self._look.cmap],
            norm=LogNorm() if self._look.log and values.ndim == 2 else None,
            interpolation="nearest",
            extent=_extent(frame),
        )
        if values.ndim == 2:
            image.set_clim(*limits_of(values, self._look))
            self.figure.colorbar(image, ax=self.axes)
        return image

    def _fit(self, layout: ImageLayout) -> None:
        """Show the whole image of another size, unless a user has zoomed."""
        before = self._layout
        if before is None or (before != layout and self._shows_all(before)):
            self.axes.set_xlim(-0.5, layout.width - 0.5)
            self.axes.set_ylim(layout.height - 0.5, -0.5)
        self._layout = layout

    def _shows_all(self, layout: ImageLayout) -> bool:
        whole = (-0.5, layout.width - 0.5, -0.5, layout.height - 0.5)
        return np.allclose((*sorted(self.axes.get_xlim()), *sorted(self.axes.get_ylim())), whole)


def limits_of(values: Array, look: ImageLook) -> tuple[float, float]:
    """Return the limits of the colour map for an image, always apart from each other."""
    if isinstance(look.limits, tuple):
        return look.limits
    sample = values.ravel()[:: max(1, values.size // SAMPLE_SIZE)].astype(float)
    sample = sample[np.isfinite(sample) & ((sample > 0) | (not look.log))]
    if not sample.size:
        return (1.0, 10.0) if look.log else (0.0, 1.0)
    if look.limits == "minmax":
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        low = float(sample.min()) if look.log else low
    else:
        low, high = map(float, np.percentile(sample, PERCENTILES))
    return (low, high) if high > low else (low, low * 10 if look.log else low + 1)


def _displayed(data: Array, channels: int) -> Array:
    """Return values that matplotlib can draw: the amplitude of complex numbers, colours 0 to 1."""
    if data.dtype.kind == "c":
        data = np.abs(data)
    if channels > 1:
        if data.dtype == np.uint8:
            return data
        largest: Any = np.iinfo(data.dtype).max if data.dtype.kind in "iu" else 1
        return np.asarray(np.clip(data.astype(np.float32) / largest, 0, 1))
    if data.dtype.kind == "b":
        return data.astype(np.uint8)
    return data.astype(np.float32) if data.dtype.itemsize == 2 and data.dtype.kind == "f" else data


def _extent(frame: Frame) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of an image whose pixels have their centre at integers."""
    region, layout = frame.region, frame.layout
    rows, columns = frame.data.shape[:2]
    right = min(layout.width, region.x0 + columns * frame.factor)
    bottom = min(layout.height, region.y0 + rows * frame.factor)
    return (region.x0 - 0.5, right - 0.5, bottom - 0.5, region.y0 - 0.5)
