"""What an HDF5 file should be registered as."""

from __future__ import annotations

from tiled_client.wire.structure_family import StructureFamily

from ..formats import Inspected
from ..sources import Sources
from .links import open_with_links
from .options import Options
from .values import read_attributes


def inspect_hdf5(sources: Sources, mimetype: str) -> Inspected:
    """Return a container, with the attributes of its top."""
    with open_with_links(sources.paths[0], sources, Options.read(sources.parameters)) as file:
        metadata = read_attributes(file.file)
    return Inspected(StructureFamily.container, mimetype, None, metadata=metadata)
