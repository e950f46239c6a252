"""Datasets with external storage: their bytes are in raw files outside the HDF5 file.

The library would open these files by name. They are opened here instead, and an in-memory dataset
of the same layout refers to their descriptors.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import h5py

from ..sources import Sources
from .opening import descriptor_name, open_descriptor

DATA = b"data"
_numbers = count()


def has_external_storage(dataset: h5py.Dataset) -> bool:
    """Return whether the bytes of a dataset are in other files."""
    return bool(dataset.external)


def open_external_dataset(
    dataset: h5py.Dataset, sources: Sources, stack: ExitStack
) -> h5py.Dataset:
    """Return a dataset of the same elements that opens no file by name.

    `stack` closes the files that it opens. Raises OutsideReadable, MissingFile, Unreadable.
    """
    described, layout = dataset.id.get_create_plist(), h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for number in range(described.get_external_count()):
        name, offset, size = described.get_external(number)
        # Relative names are relative to the working directory, as in the library.
        path = sources.confined(Path(os.fsdecode(name)))
        descriptor = open_descriptor(path, sources)
        stack.callback(os.close, descriptor)
        layout.set_external(os.fsencode(descriptor_name(descriptor, path)), offset, size)
    memory = h5py.File(f"outside {next(_numbers)}", "w", driver="core", backing_store=False)
    stack.enter_context(memory)
    kind, space = dataset.id.get_type().copy(), dataset.id.get_space()
    return h5py.Dataset(h5py.h5d.create(memory.id, DATA, kind, space, layout))
