"""Opening an HDF5 file: that very file, whatever is put in its place meanwhile.

It is opened beneath a readable folder, through no link, and handed to the library as a descriptor.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py

from ...errors import MissingFile
from ...raw_files import open_file
from ..sources import Sources
from ..uris import readable_folder
from .options import Options

DESCRIPTORS = Path("/proc/self/fd")


def open_hdf5_file(path: Path, sources: Sources, options: Options) -> h5py.File:
    """Open the file at a real path. Raises FileNotFoundError, OutsideReadable, Unreadable."""
    import hdf5plugin  # noqa: F401 - registers its filters with the library

    try:
        descriptor = open_descriptor(path, sources)
    except MissingFile as error:
        raise FileNotFoundError(path) from error
    try:
        return _file(descriptor_name(descriptor, path), options)
    finally:
        os.close(descriptor)


def open_descriptor(path: Path, sources: Sources) -> int:
    """Open the file at a real path for reading. Raises OutsideReadable, MissingFile, Unreadable."""
    return open_file(path, readable_folder(path, sources.readable)).descriptor


def descriptor_name(descriptor: int, path: Path) -> str:
    """Return a name by which the library opens what is open already; elsewhere, its path."""
    return str(DESCRIPTORS / str(descriptor) if DESCRIPTORS.is_dir() else path)


def _file(name: str, options: Options) -> h5py.File:
    how: dict[str, Any] = {} if options.locking is None else {"locking": options.locking}
    if options.swmr:
        try:
            return h5py.File(name, "r", swmr=True, libver="latest", **how)
        except BlockingIOError:
            raise
        except OSError:
            pass  # files of older versions of the format know no such mode
    return h5py.File(name, "r", **how)
