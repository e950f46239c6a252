"""What an HDF5 file should be registered as."""

from __future__ import annotations

from tiled_client.wire.structure_family import StructureFamily

from ..formats import Inspected
from ..sources import Sources
from .links import opened
from .options import Options
from .values import attributes


def inspect_hdf5(sources: Sources, mimetype: str) -> Inspected:
    """A container, with the attributes of its top."""
    with opened(sources.paths[0], sources, Options.read(sources.parameters)) as file:
        metadata = attributes(file.file)
    return Inspected(StructureFamily.container, mimetype, None, metadata=metadata)
