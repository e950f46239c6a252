"""Open HDF5 files by descriptor, so that they cannot be replaced after the path was checked.

A file is opened beneath a readable folder without following links.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py

from ...bucket_files.paths import ObjectPath
from ...errors import MissingFile
from ...raw_files import open_file
from ..sources import Sources
from ..uris import readable_folder
from .options import Options

DESCRIPTORS = Path("/proc/self/fd")


def open_hdf5_file(path: Path, sources: Sources, options: Options) -> h5py.File:
    """Open the file at a resolved path. Raises FileNotFoundError, OutsideReadable, Unreadable."""
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401 - registers its filters with the library

    if isinstance(path, ObjectPath):
        return h5py.File(path.open("rb"), "r")
    try:
        descriptor = open_descriptor(path, sources)
    except MissingFile as error:
        raise FileNotFoundError(path) from error
    try:
        return _file(descriptor_name(descriptor, path), options)
    finally:
        os.close(descriptor)


def open_descriptor(path: Path, sources: Sources) -> int:
    """Return a descriptor of the file. Raises OutsideReadable, MissingFile, Unreadable."""
    return open_file(path, readable_folder(path, sources.readable)).descriptor


def descriptor_name(descriptor: int, path: Path) -> str:
    """Return a path by which the library opens a descriptor; on other systems, the file's path."""
    return str(DESCRIPTORS / str(descriptor) if DESCRIPTORS.is_dir() else path)


def _file(name: str, options: Options) -> h5py.File:
    how: dict[str, Any] = {} if options.locking is None else {"locking": options.locking}
    if options.swmr:
        try:
            return h5py.File(name, "r", swmr=True, libver="latest", **how)
        except BlockingIOError:
            raise
        except OSError:
            pass  # older versions of the file format do not have this mode
    return h5py.File(name, "r", **how)
