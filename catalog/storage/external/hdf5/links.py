"""Resolution of names in HDF5 files, link by link.

The library would follow a link to any file of this machine. Links are therefore resolved here,
and each file that a link refers to is checked against the readable folders first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from ...bucket_files.paths import ObjectPath
from ...errors import MissingFile, NoSuchEntry, OutsideReadable, Unreadable
from ..sources import Sources
from .names import link_at, raw_name
from .opening import open_hdf5_file
from .options import Options
from .outside import has_external_storage, open_external_dataset
from .virtual import Source, StoredSource, VirtualDataset

# Maximum length of a chain of links.
MAX_LINKS = 32


@dataclass(frozen=True, eq=False, slots=True)
class FileContext:
    """An open file with its path."""

    path: Path
    file: h5py.File


@dataclass(frozen=True, slots=True)
class Location:
    """A group, dataset or datatype, in the file that contains it."""

    home: FileContext
    found: Any

    @classmethod
    def top(cls, home: FileContext) -> Location:
        """Return the root group of a file."""
        return cls(home, home.file["/"])


@dataclass(slots=True)
class OpenHdf5File:
    """An open HDF5 file, and the files that its links refer to, opened on demand."""

    home: FileContext
    sources: Sources
    options: Options
    stack: ExitStack
    others: dict[Path, FileContext] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """Sources of virtual datasets that were not found."""
    known: dict[tuple[FileContext, str, str], Source | None] = field(default_factory=dict)
    pending: set[tuple[FileContext, str, str]] = field(default_factory=set)

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.home.path

    @property
    def file(self) -> h5py.File:
        """The h5py file."""
        return self.home.file

    def find(self, keys: Sequence[str]) -> Location:
        """Return the group, dataset or datatype at the path `keys` from the root.

        Raises NoSuchEntry, MissingFile (a broken link), OutsideReadable.
        """
        return self._walk(Location.top(self.home), list(keys), 0)

    def stored(self, place: Location) -> h5py.Dataset | VirtualDataset:
        """Return the dataset at a location, such that reading it opens no other file by name.

        Raises OutsideReadable, MissingFile, Unreadable.
        """
        dataset = place.found
        if dataset.is_virtual:
            return VirtualDataset(dataset, lambda file, name: self._source(place.home, file, name))
        if has_external_storage(dataset):
            if isinstance(place.home.path, ObjectPath):
                raise OutsideReadable(
                    f"{dataset.name} of {place.home.path} is stored in other files, which are not "
                    "opened for an object."
                )
            return open_external_dataset(dataset, self.sources, self.stack)
        return dataset

    def clear_sources(self) -> None:
        """Clear the cached sources of virtual datasets."""
        self.known.clear()
        self.missing.clear()

    def close_others(self) -> None:
        """Close the files that links referred to, after reading.

        `File.close` searches all open objects for those of the file: 7 ms per file for a thousand
        files. Dropping the last reference closes them without the search.
        """
        self.known.clear()
        for home in self.others.values():
            if home is not self.home:
                home.file.id._close()

    def _walk(self, place: Location, keys: list[str], links: int) -> Location:
        for key in keys:
            if links > MAX_LINKS:
                raise MissingFile(f"A chain of links is longer than {MAX_LINKS}.")
            found = place.found
            raw = raw_name(found, key) if isinstance(found, h5py.Group) else None
            if raw is None:
                raise NoSuchEntry(f"{self.path} has no {'/'.join(keys)}.")
            match link_at(found, raw):
                case None:
                    place = Location(place.home, found[raw])
                case h5py.SoftLink() as link:
                    start = Location.top(place.home) if link.path.startswith("/") else place
                    place = self._follow(start, link.path, links)
                case h5py.ExternalLink() as link:
                    start = Location.top(self._other(place.home, link.filename))
                    place = self._follow(start, link.path, links)
        return place

    def _follow(self, start: Location, path: str, links: int) -> Location:
        try:
            return self._walk(start, _keys(path), links + 1)
        except NoSuchEntry as error:
            raise MissingFile(f"A link in {self.path} to {path} is broken.") from error

    def _other(self, here: FileContext, name: str) -> FileContext:
        if isinstance(here.path, ObjectPath):
            raise OutsideReadable(
                f"{here.path} refers to the file {name}: links from an object to other files are "
                "not followed."
            )
        places = _places(here.path, name)
        # Like the library, try the next path if a file exists, but cannot be opened.
        found = [self.sources.confined(place) for place in places if place.exists()]
        path = found[0] if found else self.sources.confined(places[0])
        if path not in self.others:
            try:
                file = open_hdf5_file(path, self.sources, self.options)
            except FileNotFoundError as error:
                raise MissingFile(f"A link in {here.path} to the file {name} is broken.") from error
            self.others[path] = FileContext(path, self.stack.enter_context(file))
        return self.others[path]

    def _source(self, here: FileContext, file: str, name: str) -> Source | None:
        """Return a source of a virtual dataset, or None if it does not exist."""
        wanted = here, file, name
        if wanted in self.pending:
            raise Unreadable(f"The extent of {name} in {file} depends on itself.")
        if wanted not in self.known:
            self.pending.add(wanted)
            try:
                self.known[wanted] = self._find_source(here, file, name)
            finally:
                self.pending.discard(wanted)
        return self.known[wanted]

    def _find_source(self, here: FileContext, file: str, name: str) -> Source | None:
        try:
            other = here if file == "." else self._other(here, file)
            place = self._walk(Location.top(other), _keys(name), 0)
        except (MissingFile, NoSuchEntry):
            place = None
        if place is None or not isinstance(place.found, h5py.Dataset):
            self.missing.add(f"{file}:{name}")
            return None
        stored = self.stored(place)
        return stored if isinstance(stored, VirtualDataset) else StoredSource(stored)


@contextmanager
def open_with_links(path: Path, sources: Sources, options: Options) -> Iterator[OpenHdf5File]:
    """Open a file only while it is read: an open file may be locked for its writer."""
    with ExitStack() as stack:
        home = FileContext(path, stack.enter_context(open_hdf5_file(path, sources, options)))
        file = OpenHdf5File(home, sources, options, stack, {path: home})
        yield file
        file.close_others()


def _places(here: Path, name: str) -> list[Path]:
    """Return the paths where the library searches a file named in `here`, in its order."""
    path = Path(name)
    relative = path.name if path.is_absolute() else name
    absolute = [path] if path.is_absolute() else []
    return [*absolute, here.parent / relative, Path.cwd() / relative]


def _keys(path: str) -> list[str]:
    """Return the parts of a path that HDF5 resolves: there, `..` is an ordinary name."""
    return [key for key in path.split("/") if key not in ("", ".")]
