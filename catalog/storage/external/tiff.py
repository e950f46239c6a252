"""TIFF files: read as they are where the pixels lie in a row, else decoded by pages as needed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from ..encoding import Array
from ..errors import Unreadable
from .formats import Format
from .frames import LARGEST_FRAME, FrameFile, frames_inspector, frames_reader
from .raw import RawFrames

TIFF, TIFFS = "image/tiff", "multipart/related;type=image/tiff"


class PagedFrames:
    """The pages of a TIFF file's first series, each decoded when asked for."""

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: np.dtype[Any], pages: int
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self._path = path
        self._page = math.prod(shape) // pages
        if self._page * dtype.itemsize > LARGEST_FRAME:
            raise Unreadable(f"its pages are larger than {LARGEST_FRAME} bytes.")

    def elements(self, start: int, stop: int) -> Array:
        """Elements number `start` to `stop` in C order, flat."""
        first, last = start // self._page, -(-stop // self._page)
        with _opened(self._path) as file:
            pages = file.asarray(key=range(first, last), series=0)
        flat: Array = np.asarray(pages).reshape(-1)
        return flat[start - first * self._page : stop - first * self._page]


def open_tiff(path: Path) -> FrameFile:
    """Open a TIFF file; only its pages' headers are read."""
    with _opened(path) as file:
        series = file.series[0]
        if series.dataoffset is not None and series.dtype is not None:
            dtype = np.dtype(file.byteorder + series.dtype.char)
            return RawFrames(path, series.shape, dtype, series.dataoffset)
        return PagedFrames(path, series.shape, np.dtype(series.dtype), len(series.pages))


def _opened(path: Path) -> tifffile.TiffFile:
    # Some kinds name further files to be opened with them, which nobody has allowed.
    return tifffile.TiffFile(path, _multifile=False, is_mmstack=False, is_ndtiff=False)


FORMATS = (
    Format(
        (TIFF, TIFFS),
        (".tif", ".tiff"),
        read_array=frames_reader(open_tiff),
        inspect=frames_inspector(open_tiff),
    ),
)
