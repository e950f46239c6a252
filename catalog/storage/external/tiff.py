"""TIFF files: contiguous pixels are read directly, others decoded page by page."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from ..bucket_files.paths import ObjectPath
from ..encoding import Array
from ..errors import Unreadable
from .formats import Format
from .frame_stacks import MAX_FRAME_BYTES, FrameFile, frames_inspector, frames_reader
from .raw_frames import RawFrames

TIFF, TIFFS = "image/tiff", "multipart/related;type=image/tiff"


MAX_PAGES = 1_000_000


class PagedFrames:
    """The pages of a TIFF file's first series, each decoded on demand."""

    def __init__(
        self, path: Path, series: tifffile.TiffPageSeries, flags: Mapping[str, Any]
    ) -> None:
        shape, dtype, pages = series.shape, np.dtype(series.dtype), len(series.pages)
        self.shape = shape
        self.dtype = dtype
        self._path = path
        self._flags = flags
        self._page = math.prod(shape) // pages
        if self._page * dtype.itemsize > MAX_FRAME_BYTES:
            raise Unreadable(f"its pages are larger than {MAX_FRAME_BYTES} bytes.")

    def elements(self, start: int, stop: int) -> Array:
        """Return the elements from `start` to `stop` in C order, flat."""
        first, last = start // self._page, -(-stop // self._page)
        with _open(self._path, **self._flags) as file:
            pages = file.asarray(key=range(first, last), series=0)
        flat: Array = np.asarray(pages).reshape(-1)
        return flat[start - first * self._page : stop - first * self._page]


def open_tiff(path: Path) -> FrameFile:
    """Open a TIFF file, reading only the headers of its pages."""
    with _open(path) as file:
        _check_pages(file)
        # tifffile reports pages that it wrote one by one as separate series.
        if not (file.is_shaped and len(file.series) > 1):
            return _frames(path, file, {})
    flags = {"is_shaped": False}
    with _open(path, **flags) as file:
        return _frames(path, file, flags)


def _frames(path: Path, file: tifffile.TiffFile, flags: Mapping[str, Any]) -> FrameFile:
    if not file.series:
        raise Unreadable("it has no pages.")
    series = file.series[0]
    if series.dataoffset is not None and series.dtype is not None:
        dtype = np.dtype(file.byteorder + series.dtype.char)
        return RawFrames(path, series.shape, dtype, series.dataoffset)
    return PagedFrames(path, series, flags)


def _open(path: Path, **flags: Any) -> tifffile.TiffFile:
    # Some variants name further files to open, which may be outside the readable folders.
    source: Any = path.open("rb") if isinstance(path, ObjectPath) else path
    return tifffile.TiffFile(source, _multifile=False, is_mmstack=False, is_ndtiff=False, **flags)


def _check_pages(file: tifffile.TiffFile) -> None:
    """Raise Unreadable if the list of pages is cyclic."""
    handle, form = file.filehandle, file.tiff
    seen: set[int] = set()
    place = form.offsetsize if form.version == 42 else 8
    while True:
        handle.seek(place)
        (offset,) = struct.unpack(form.offsetformat, handle.read(form.offsetsize))
        if not offset:
            return
        if offset in seen or len(seen) == MAX_PAGES:
            raise Unreadable("its list of pages is cyclic.")
        seen.add(offset)
        handle.seek(offset)
        (count,) = struct.unpack(form.tagnoformat, handle.read(form.tagnosize))
        place = offset + form.tagnosize + count * form.tagsize


FORMATS = (
    Format(
        (TIFF, TIFFS),
        (".tif", ".tiff"),
        read_array=frames_reader(open_tiff),
        inspect=frames_inspector(open_tiff),
    ),
)
