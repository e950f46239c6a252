"""Which formats of files are known: those that come with the server, and a facility's own."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from tiled_client.wire.structure_family import StructureFamily

from ..errors import Unsupported
from .formats import SEQUENCE, Format

PACKAGE = __name__.rpartition(".")[0]
BUILT_IN = (
    "tiff",
    "jpeg",
    "npy",
    "csv.tables",
    "csv.arrays",
    "parquet_files",
    "arrow_files",
    "excel",
    "hdf5",
    "zarr_files",
)


FAMILIES = frozenset({StructureFamily.array, StructureFamily.table, StructureFamily.container})
"""Nodes of these families are read out of registered files, by formats."""


def register(*formats: Format) -> None:
    """Make formats known. One of the same mimetype and family as another takes its place."""
    for format_ in formats:
        for mimetype in format_.mimetypes:
            for family in format_.families:
                _known()[mimetype, family] = format_


def load(path: str) -> Format:
    """Return the format that an import path such as `beamline.spe:FORMAT` leads to.

    Raises ValueError or TypeError, with a sentence, for a path that leads to none.
    """
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{path} cannot be imported: {error}.") from error
    if not isinstance(found, Format):
        raise TypeError(f"{path} is no Format of catalog.storage.external, but {found!r:.80}.")
    return found


def mimetypes(family: StructureFamily) -> frozenset[str]:
    """Return the formats in which nodes of this family can be registered."""
    return frozenset(mimetype for mimetype, of in _known() if of is family)


def format_of(mimetype: str, family: StructureFamily) -> Format:
    """What reads nodes of `family` out of files of `mimetype`. Raises Unsupported."""
    found = _known().get((mimetype, family))
    if found is None:
        raise Unsupported(f"Files of type {mimetype} cannot be read as {family.value}.")
    return found


def inspected_by(mimetype: str) -> Format:
    """What can look into files of `mimetype`. Raises Unsupported."""
    for (known, _), format_ in _known().items():
        if known == mimetype and format_.inspect is not None:
            return format_
    raise Unsupported(f"Files of type {mimetype} cannot be inspected.")


def mimetype_of(path: Path) -> str | None:
    """Return the mimetype that the name of a file or folder speaks of; None where it does not."""
    found = None
    for format_ in _known().values():
        if path.name.lower().endswith(format_.extensions):
            found = format_.mimetypes[0]
    return found


def sequence_mimetype(mimetype: str) -> str | None:
    """Return the mimetype of a sequence of such files, if one can be registered."""
    sequence = f"{SEQUENCE}related;type={mimetype}"
    return sequence if any(known == sequence for known, _ in _known()) else None


@cache
def _known() -> dict[tuple[str, StructureFamily], Format]:
    """By mimetype and family. Imported when first asked for: their libraries are large."""
    known = {}
    for name in BUILT_IN:
        for format_ in importlib.import_module(f"{PACKAGE}.{name}").FORMATS:
            for mimetype in format_.mimetypes:
                known.update({(mimetype, family): format_ for family in format_.families})
    return known
