"""Open an existing node in place of creating one, if it fits what was to be created."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

from ..documents import Resource
from ..errors import NODE_EXISTS, NodeExists
from ..uris import Path, file_name
from ..wire.data_sources import DataSource
from ..wire.structure_family import StructureFamily
from ..wire.structures import (
    ArrayStructure,
    AwkwardStructure,
    RaggedStructure,
    SparseStructure,
    TableStructure,
)

IfExists = Literal["error", "open", "replace"]
CHOICES = ("error", "open", "replace")

Difference = tuple[str, Any, Any]
"""The name of a property, its value on the server, and that of the node to create."""


def check_choice(if_exists: str) -> None:
    """Raise ValueError unless this is one of the choices for a key that is taken."""
    if if_exists not in CHOICES:
        raise ValueError(f"if_exists must be 'error', 'open' or 'replace', not {if_exists!r}")


def check_compatible(
    path: Path, found: Resource, wanted: Resource, sources: Sequence[DataSource]
) -> None:
    """Raise NodeExists if the existing node is of another kind, with what differs.

    Warn about metadata, specs and access tags that were given and differ: the node keeps its own.
    """
    differences = [*_kind(found, wanted), *_registration(found, sources)]
    if differences:
        raise NodeExists(
            f"The node {_text(path)} exists already and differs: {_listed(differences)}. Use "
            "another key, or if_exists='replace'.",
            status=409,
            code=NODE_EXISTS,
        )
    kept = [name for name, here, given in _description(found, wanted) if here != given]
    if kept:
        warnings.warn(
            f"The existing node {_text(path)} was opened and keeps its own {' and '.join(kept)}, "
            "which differ from those given. Use update_metadata to change them.",
            stacklevel=_caller_level(),
        )


def check_files(path: Path, found: Resource, files: Sequence[str]) -> None:
    """Raise NodeExists unless all files of the existing node are among those given.

    Files may be given by paths with wildcards. A container without files is that of a folder.
    """
    here = [file_name(uri) for uri in _files(found.data_sources or ())]
    given = [file_name(each) for each in files]
    missing = [
        name for name in here if not any(name == each or fnmatchcase(name, each) for each in given)
    ]
    if missing or not (here or found.family == StructureFamily.container):
        raise NodeExists(
            f"The node {_text(path)} exists already and has other files: {_short(here)}. Use "
            "another key, or if_exists='replace'.",
            status=409,
            code=NODE_EXISTS,
        )


def _caller_level() -> int:
    """Return the stack level of the first frame outside this package, for a warning."""
    import sys

    package, level, frame = __name__.partition(".")[0], 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith(f"{package}."):
        frame, level = frame.f_back, level + 1
    return level


def _kind(found: Resource, wanted: Resource) -> Iterator[Difference]:
    if found.family != wanted.family:
        yield "structure family", str(found.family), str(wanted.family)
        return
    here, given = _properties(found.structure), _properties(wanted.structure)
    for name, value in given.items():
        if here.get(name) != value:
            yield name, here.get(name), value


def _properties(structure: Any) -> Mapping[str, Any]:
    """Return the properties of a structure that must be equal for the same data to fit."""
    match structure:
        case ArrayStructure() | SparseStructure():
            return {"shape": structure.shape, "dtype": str(structure.dtype)}
        case TableStructure():
            schema = structure.schema()
            return {"columns": {field.name: str(field.type) for field in schema}}
        case RaggedStructure():
            return {
                "shape": structure.shape,
                "dtype": str(structure.dtype),
                "chunks": structure.chunks,
            }
        case AwkwardStructure():
            return {"length": structure.length, "form": structure.form}
    return {}


def _registration(found: Resource, sources: Sequence[DataSource]) -> Iterator[Difference]:
    """Yield how registered files differ from those of the existing node."""
    given = [source for source in sources if source.assets]
    if not given:
        return
    here = found.data_sources or ()
    for name, get in (("format", _formats), ("files", _files)):
        before, after = get(here), get(given)
        if before != after:
            yield name, before, after


def _formats(sources: Sequence[DataSource]) -> list[str | None]:
    return [source.mimetype for source in sources]


def _files(sources: Sequence[DataSource]) -> list[str]:
    return sorted(asset.data_uri for source in sources for asset in source.assets)


def _description(found: Resource, wanted: Resource) -> Iterator[Difference]:
    if wanted.metadata:
        yield "metadata", found.metadata, wanted.metadata
    if wanted.specs:
        yield "specs", set(found.specs), set(wanted.specs)
    if wanted.access_tags is not None:
        yield "access tags", set(found.access_tags or ()), set(wanted.access_tags)


def _listed(differences: Sequence[Difference]) -> str:
    return "; ".join(
        f"{name} {_short(here)}, not {_short(given)}" for name, here, given in differences
    )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else f"{text[:200]} ..."


def _text(path: Path) -> str:
    return "/" + "/".join(path)
