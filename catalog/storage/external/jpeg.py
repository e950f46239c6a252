"""JPEG files, decoded as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..encoding import Array
from ..errors import Unreadable
from .formats import Format
from .frame_stacks import FrameFile, frames_inspector, frames_reader

# Shape of a pixel by colour mode.
COLOURS = {"L": (), "RGB": (3,), "CMYK": (4,)}


@dataclass(frozen=True, slots=True)
class JpegFrame:
    """One image: 2D if it is grey, else 3D."""

    path: Path
    shape: tuple[int, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Unsigned bytes."""
        return np.dtype("u1")

    def elements(self, start: int, stop: int) -> Array:
        """Return the elements from `start` to `stop` in C order, flat."""
        with self.path.open("rb") as file, Image.open(file, formats=["JPEG"]) as image:
            return np.asarray(image).reshape(-1)[start:stop]


def open_jpeg(path: Path) -> FrameFile:
    """Open a JPEG file, reading only its header. Pillow rejects absurdly large images."""
    with path.open("rb") as file, Image.open(file, formats=["JPEG"]) as image:
        if image.mode not in COLOURS:
            raise Unreadable(f"{path} has the unsupported colour mode {image.mode}.")
        return JpegFrame(path, (image.height, image.width, *COLOURS[image.mode]))


JPEG, JPEGS = "image/jpeg", "multipart/related;type=image/jpeg"

FORMATS = (
    Format(
        (JPEG, JPEGS),
        (".jpg", ".jpeg"),
        read_array=frames_reader(open_jpeg),
        inspect=frames_inspector(open_jpeg),
    ),
)
