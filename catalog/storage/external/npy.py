"""`.npy` files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..bucket_files.paths import ObjectPath
from ..encoding import Array
from ..errors import Unreadable
from .formats import Format
from .frame_stacks import FrameFile, frames_inspector, frames_reader
from .raw_frames import RawFrames


@dataclass(frozen=True, slots=True)
class LoadedFrames:
    """Frames in Fortran order, which are read as a whole."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def elements(self, start: int, stop: int) -> Array:
        """Return the elements from `start` to `stop` in C order, flat."""
        with self.path.open("rb") as file:
            flat: Array = np.load(file, allow_pickle=False).reshape(-1)[start:stop]
        return flat


def open_npy(path: Path) -> FrameFile:
    """Open a `.npy` file, reading only its header. Object arrays are rejected."""
    if isinstance(path, ObjectPath):
        return _open_object(path)
    header: Any = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(header, np.memmap):
        raise Unreadable("it is an archive (.npz): save each array as a .npy file.")
    if header.flags.c_contiguous:
        return RawFrames(path, header.shape, header.dtype, header.offset)
    return LoadedFrames(path, header.shape, header.dtype)


def _open_object(path: ObjectPath) -> FrameFile:
    with path.open("rb") as file:
        major, _ = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if major == 1
            else np.lib.format.read_array_header_2_0
        )
        shape, is_fortran, dtype = read(file)
        offset = file.tell()
    if dtype.hasobject:
        raise Unreadable("it has Python objects, which only pickle can read.")
    if is_fortran and len(shape) > 1:
        return LoadedFrames(path, shape, dtype)
    return RawFrames(path, shape, dtype, offset)


NPY, NPYS = "application/x-npy", "multipart/related;type=application/x-npy"

FORMATS = (
    Format(
        (NPY, NPYS),
        (".npy",),
        read_array=frames_reader(open_npy),
        inspect=frames_inspector(open_npy),
    ),
)
