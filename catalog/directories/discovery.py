"""Discover the data sets in a folder. Changes nothing, and does not depend on Django."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tiled_client.wire.structure_family import StructureFamily

from ..storage import external
from ..storage.bucket_files.paths import ObjectPath

# Temporary files of programs, and files that are not complete yet.
IGNORED_NAMES = re.compile(r"\..*|.*~|.*\.(?:tmp|temp|part|partial|swp|lock|crdownload)")
NUMBERED = re.compile(r"(?P<stem>.*?)[_.-]*(?P<number>\d+)")


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules by which file names determine keys and formats.

    `formats` maps further extensions (with their dot) to media types; `only` restricts the
    extensions, if not empty. With `keep_extensions` a key is the whole file name.
    """

    keep_extensions: bool = False
    only: frozenset[str] = frozenset()
    formats: Mapping[str, str] = field(default_factory=dict)

    def mimetype(self, path: Path) -> str | None:
        """Return the format of a file or folder; None if it is not a data set, or excluded."""
        if self.only and path.suffix not in self.only:
            return None
        return self.formats.get(path.suffix) or external.mimetype_of(path)


@dataclass(frozen=True, slots=True)
class DiscoveredDataset:
    """Files that make one node: several are the frames of a sequence, in their order."""

    key: str
    mimetype: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class FolderListing:
    """The contents of a folder: data sets, and subfolders that become containers."""

    nodes: tuple[DiscoveredDataset, ...]
    folders: tuple[Path, ...]


def list_folder(folder: Path, rules: Rules) -> FolderListing:
    """List the data sets and subfolders in `folder`. Raises OSError; for a prefix, StorageError.

    Numbered images are one sequence, even if there is only one. Symbolic links to folders are
    ignored: they may be circular. Files whose names differ only in their extension keep it in
    their keys.
    """
    if isinstance(folder, ObjectPath):
        return arrange(folder.entries(), rules)
    entries = [
        (Path(entry.path), entry.is_dir(follow_symlinks=False)) for entry in os.scandir(folder)
    ]
    return arrange(entries, rules)


def arrange(entries: Iterable[tuple[Path, bool]], rules: Rules) -> FolderListing:
    """Return the data sets and subfolders among the entries of a folder: (path, is a folder)."""
    data: list[tuple[Path, str]] = []
    folders: list[Path] = []
    for path, is_folder in sorted(entries):
        if IGNORED_NAMES.fullmatch(path.name) or not is_decodable(path.name):
            continue
        if mimetype := rules.mimetype(path):
            data.append((path, mimetype))
        elif is_folder:
            folders.append(path)
    nodes = [*_sequences(data), *_single(data, rules)]
    return FolderListing(
        tuple(_disambiguate(nodes, {path.name for path in folders})), tuple(folders)
    )


def _sequences(data: Iterable[tuple[Path, str]]) -> Iterator[DiscoveredDataset]:
    groups: dict[tuple[str, str], list[tuple[int, Path]]] = {}
    for path, mimetype in data:
        sequence, numbered = _sequence(mimetype), NUMBERED.fullmatch(path.stem)
        if sequence and numbered:
            name = numbered["stem"] or path.parent.name
            groups.setdefault((name, sequence), []).append((int(numbered["number"]), path))
    for (name, sequence), members in groups.items():
        yield DiscoveredDataset(name, sequence, tuple(path for _, path in sorted(members)))


def _single(data: Iterable[tuple[Path, str]], rules: Rules) -> Iterator[DiscoveredDataset]:
    for path, mimetype in data:
        if not (_sequence(mimetype) and NUMBERED.fullmatch(path.stem)):
            yield DiscoveredDataset(
                path.name if rules.keep_extensions else path.stem, mimetype, (path,)
            )


def _sequence(mimetype: str) -> str | None:
    """Return the format of a sequence of such files; None for tables: each file is a scan."""
    if mimetype in external.mimetypes(StructureFamily.table):
        return None
    return external.sequence_mimetype(mimetype)


def _disambiguate(
    nodes: Iterable[DiscoveredDataset], taken: Iterable[str]
) -> Iterator[DiscoveredDataset]:
    """Yield the data sets, adding the extension to keys that occur more than once."""
    nodes = list(nodes)
    counts = Counter([*taken, *(node.key for node in nodes)])
    for node in nodes:
        first = node.paths[0]
        other = node.key + first.suffix if len(node.paths) > 1 else first.name
        yield node if counts[node.key] == 1 else DiscoveredDataset(other, node.mimetype, node.paths)


def is_decodable(name: str) -> bool:
    """Return whether a file name is text, and so can be a key."""
    return name.isprintable() and not any("\ud800" <= letter <= "\udfff" for letter in name)
