"""Find the files that a request names: by their paths, a pattern, or their folder.

Paths are resolved and must be in a readable folder. Folders are listed in a confined process, which
can read these folders only, so that a symbolic link that is exchanged meanwhile leads nowhere else.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from core.bounds import bounds, exceeded
from core.errors import Invalid, UnsupportedMedia
from tiled_client.wire.structure_family import StructureFamily

from ..config import storage_settings
from ..storage import external, files
from ..storage.bucket_files.paths import is_object_uri
from ..storage.errors import MissingFile
from .discovery import IGNORED_NAMES, NUMBERED, DiscoveredDataset, Rules, arrange, is_decodable

WILDCARDS = re.compile(r"[*?\[]")
MAX_PATTERN = 255
SEQUENCE = "multipart/"


def find_requested(paths: Sequence[str], mimetype: str | None) -> DiscoveredDataset | Path:
    """Return the data set that the paths name, or the folder whose contents are to be registered.

    One path names a file, a folder, or the files that match its last part, in the order of the
    numbers in their names; several name the files of one data set, in their order. Raises Invalid,
    UnsupportedMedia, StorageError.
    """
    if len(paths) == 1:
        real = _resolved(paths[0])
        matching = not real.exists() and WILDCARDS.search(real.name)
        if matching:
            return _dataset(_matches(real), mimetype, several=True)
        if real.is_dir() and (mimetype or Rules().mimetype(real)) is None:
            return real
        return _dataset([_existing(real)], mimetype, several=False)
    found = [_existing(_resolved(path)) for path in paths]
    return _dataset(found, mimetype, several=True)


def list_datasets(folder: Path) -> tuple[list[DiscoveredDataset], list[str]]:
    """Return the data sets of a folder, and the names of its subfolders. Raises StorageError."""
    entries = [(folder / name, is_folder) for name, is_folder in _entries(folder)]
    listing = arrange(entries, Rules())
    return list(listing.nodes), [path.name for path in listing.folders]


def _absolute(text: str) -> PurePosixPath:
    if text.startswith("file:"):
        return PurePosixPath(files.uri_path(text))
    path = PurePosixPath(text)
    if not path.is_absolute():
        raise Invalid(
            f"The path {text!r} must be absolute, as the server knows it: /data/beamline/x.tif."
        )
    return path


def _resolved(text: str) -> Path:
    # A question mark is a wildcard here, as in paths of files, and no query.
    is_object = is_object_uri(text)
    uri = text.replace("?", "%3F") if is_object else files.file_uri(Path(_absolute(text)))
    return external.resolve_uri(uri, storage_settings().readable)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise MissingFile(f"The file {path} does not exist.")
    return path


def _matches(pattern: Path) -> list[Path]:
    if len(pattern.name) > MAX_PATTERN:
        raise Invalid(f"The pattern {pattern.name!r:.80} is longer than {MAX_PATTERN} characters.")
    if WILDCARDS.search(str(pattern.parent)) and not pattern.parent.is_dir():
        raise Invalid(f"Only the last part of the path {pattern} may have wildcards.")
    found = [
        pattern.parent / name
        for name, is_folder in _entries(pattern.parent)
        if fnmatch.fnmatchcase(name, pattern.name)
        and not IGNORED_NAMES.fullmatch(name)
        and not (is_folder and Rules().mimetype(Path(name)) is None)
    ]
    if not found:
        raise MissingFile(f"No file matches {pattern}.")
    return sorted(found, key=_order)


def _order(path: Path) -> tuple[str, int, str]:
    numbered = NUMBERED.fullmatch(path.stem)
    return (numbered["stem"], int(numbered["number"]), "") if numbered else (path.stem, -1, "")


def _entries(folder: Path) -> Iterable[tuple[str, bool]]:
    limit = bounds().assets
    entries = external.list_names(folder, limit=limit, readable=storage_settings().readable)
    if len(entries) > limit:
        raise Invalid(exceeded(f"Entries of the folder {folder}", f"over {limit}", "assets"))
    return [entry for entry in entries if is_decodable(entry[0])]


def _dataset(paths: list[Path], mimetype: str | None, *, several: bool) -> DiscoveredDataset:
    """Return the files as one data set: frames of a sequence, or partitions of a table."""
    first = paths[0]
    found = mimetype or external.mimetype_of(first)
    if found is None:
        raise UnsupportedMedia(
            f"The name of {first} has no known extension: pass the mimetype of the file."
        )
    if mimetype is None:
        for path in paths:
            if (other := external.mimetype_of(path)) != found:
                raise Invalid(
                    f"The files of one node must be of one format: {first} is {found}, {path} is "
                    f"{other}."
                )
    is_table = found in external.mimetypes(StructureFamily.table)
    if several and not is_table and not found.startswith(SEQUENCE):
        sequence = external.sequence_mimetype(found)
        if sequence is None and len(paths) > 1:
            raise UnsupportedMedia(f"Several files of type {found} cannot be one node.")
        found = sequence or found
    return DiscoveredDataset(_key(first, several=several), found, tuple(paths))


def _key(first: Path, *, several: bool) -> str:
    numbered = NUMBERED.fullmatch(first.stem) if several else None
    if numbered is not None:
        return numbered["stem"] or first.parent.name
    return first.stem
