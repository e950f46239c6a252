"""Inspection of HDF5 files."""

from __future__ import annotations

from tiled_client.wire.structure_family import StructureFamily

from ..formats import Inspected
from ..sources import Sources
from .links import open_with_links
from .options import Options
from .values import read_attributes


def inspect_hdf5(sources: Sources, mimetype: str) -> Inspected:
    """Describe the file as a container, with the attributes of its root group."""
    with open_with_links(sources.paths[0], sources, Options.read(sources.parameters)) as file:
        metadata = read_attributes(file.file)
    return Inspected(StructureFamily.container, mimetype, None, metadata=metadata)
