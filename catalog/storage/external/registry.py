"""Registry of file formats: the built-in ones, and those of the site."""

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
"""Structure families that formats can read from registered files."""


def register(*formats: Format) -> None:
    """Register formats. One of the same mimetype and family as another replaces it."""
    for format_ in formats:
        for mimetype in format_.mimetypes:
            for family in format_.families:
                _known()[mimetype, family] = format_


def load(path: str) -> Format:
    """Import the format at a path such as `beamline.spe:FORMAT`.

    `MIMETYPE=PATH` is an adapter class of Tiled, which reads files of that type. Raises ValueError
    or TypeError for a path that leads to no format.
    """
    mimetype, is_adapter, path = path.rpartition("=")
    if is_adapter:
        from .tiled_adapters import adapter_format  # imports this module's formats

        return adapter_format(mimetype, path)
    module, _, name = path.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{path} cannot be imported: {error}.") from error
    if not isinstance(found, Format):
        raise TypeError(f"{path} is not a Format (tiledproject.plugins), but {found!r:.80}.")
    return found


def mimetypes(family: StructureFamily) -> frozenset[str]:
    """Return the mimetypes that nodes of this family can be registered with."""
    return frozenset(mimetype for mimetype, of in _known() if of is family)


def format_of(mimetype: str, family: StructureFamily) -> Format:
    """Return the format that reads `family` from files of `mimetype`. Raises Unsupported."""
    found = _known().get((mimetype, family))
    if found is None:
        raise Unsupported(f"Files of type {mimetype} cannot be read as {family.value}.")
    return found


def inspected_by(mimetype: str) -> Format:
    """Return the format that inspects files of `mimetype`. Raises Unsupported."""
    for (known, _), format_ in _known().items():
        if known == mimetype and format_.inspect is not None:
            return format_
    raise Unsupported(f"Files of type {mimetype} cannot be inspected.")


def mimetype_of(path: Path) -> str | None:
    """Return the mimetype by the extension of a file or folder, or None."""
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
    """Return the formats by mimetype and family, imported lazily: their libraries are large."""
    known = {}
    for name in BUILT_IN:
        for format_ in importlib.import_module(f"{PACKAGE}.{name}").FORMATS:
            for mimetype in format_.mimetypes:
                known.update({(mimetype, family): format_ for family in format_.families})
    return known
