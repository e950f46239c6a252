"""Which formats of files are known: those that come with the server, and a facility's own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tiled_client.wire.families import StructureFamily

from ..errors import Unsupported
from .formats import Format

PACKAGE = __name__.rpartition(".")[0]
BUILT_IN = ("tiff", "jpeg", "npy", "csv_format", "parquet_files", "arrow_files")


def register(*formats: Format) -> None:
    """Make formats known. One of the same mimetype and family as another takes its place."""
    for format_ in formats:
        for mimetype in format_.mimetypes:
            for family in format_.families:
                _known()[mimetype, family] = format_


def load(path: str) -> Format:
    """The format that an import path such as `beamline.spe:FORMAT` leads to.

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
    """The formats in which nodes of this family can be registered."""
    return frozenset(mimetype for mimetype, of in _known() if of is family)


def format_of(mimetype: str, family: StructureFamily) -> Format:
    """What reads nodes of `family` out of files of `mimetype`. Raises Unsupported."""
    found = _known().get((mimetype, family))
    if found is None:
        raise Unsupported(f"Files of type {mimetype} cannot be read as {family.value}.")
    return found


def format_by_name(path: Path) -> Format | None:
    """The format that the name of a file or folder speaks of, if it can be inspected."""
    name, found = path.name.lower(), None
    for format_ in _all():
        if format_.inspect is not None and name.endswith(format_.extensions or ("\0",)):
            found = format_
    return found


def _all() -> Iterator[Format]:
    """Each format once, the latest last."""
    seen = dict.fromkeys(map(id, _known().values()))
    by_id = {id(format_): format_ for format_ in _known().values()}
    yield from (by_id[one] for one in seen)


@cache
def _known() -> dict[tuple[str, StructureFamily], Format]:
    """By mimetype and family. Imported when first asked for: their libraries are large."""
    known = {}
    for name in BUILT_IN:
        for format_ in importlib.import_module(f"{PACKAGE}.{name}").FORMATS:
            for mimetype in format_.mimetypes:
                known.update({(mimetype, family): format_ for family in format_.families})
    return known
