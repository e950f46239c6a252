"""`.npy` files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .mapped import MappedFrames


def open_npy(path: Path) -> MappedFrames:
    """Open a `.npy` file. Objects are refused."""
    return MappedFrames(np.load(path, mmap_mode="r", allow_pickle=False))
