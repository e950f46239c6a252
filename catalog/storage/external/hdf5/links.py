"""From a name in an HDF5 file to what it leads to, link by link.

The library would follow a link to any file of this machine. So links are followed here, where each
file that one leads to is looked at first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from ...errors import MissingFile, NoSuchEntry, Unreadable
from ..sources import Sources
from .names import link_at, raw_name
from .opening import open_hdf5_file
from .options import Options
from .outside import has_external_storage, open_external_dataset
from .virtual import Source, StoredSource, VirtualDataset

# So many links may follow one upon another.
MAX_LINKS = 32


@dataclass(frozen=True, eq=False, slots=True)
class FileContext:
    """An open file, and where it lies."""

    path: Path
    file: h5py.File


@dataclass(frozen=True, slots=True)
class Location:
    """A group, dataset or datatype, in the file where links have led to it."""

    home: FileContext
    found: Any

    @classmethod
    def top(cls, home: FileContext) -> Location:
        """Return the top of a file."""
        return cls(home, home.file["/"])


@dataclass(slots=True)
class OpenHdf5File:
    """An open HDF5 file, with those that links lead to, which are opened as needed."""

    home: FileContext
    sources: Sources
    options: Options
    stack: ExitStack
    others: dict[Path, FileContext] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """Sources of virtual datasets that were not there when these were looked for."""
    known: dict[tuple[FileContext, str, str], Source | None] = field(default_factory=dict)
    pending: set[tuple[FileContext, str, str]] = field(default_factory=set)

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.home.path

    @property
    def file(self) -> h5py.File:
        """The file itself."""
        return self.home.file

    def find(self, keys: Sequence[str]) -> Location:
        """Return the group, dataset or datatype at `keys`, counted from the top of the file.

        Raises NoSuchEntry, MissingFile (a broken link), OutsideReadable.
        """
        return self._walk(Location.top(self.home), list(keys), 0)

    def stored(self, place: Location) -> h5py.Dataset | VirtualDataset:
        """Return the dataset at a place, for reading: the library opens no other file for it.

        Raises OutsideReadable, MissingFile, Unreadable.
        """
        dataset = place.found
        if dataset.is_virtual:
            return VirtualDataset(dataset, lambda file, name: self._source(place.home, file, name))
        if has_external_storage(dataset):
            return open_external_dataset(dataset, self.sources, self.stack)
        return dataset

    def clear_sources(self) -> None:
        """Have the sources of virtual datasets found anew."""
        self.known.clear()
        self.missing.clear()

    def close_others(self) -> None:
        """Close the files that links have led to, when all is read.

        `File.close` looks in each for what is open in it, among everything that is open in all of
        them: 7 ms for each of a thousand. Here nothing is, once nobody knows of it.
        """
        self.known.clear()
        for home in self.others.values():
            if home is not self.home:
                home.file.id._close()

    def _walk(self, place: Location, keys: list[str], links: int) -> Location:
        for key in keys:
            if links > MAX_LINKS:
                raise MissingFile(f"More than {MAX_LINKS} links follow one upon another.")
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
        places = _places(here.path, name)
        # The library goes on to the next place where a file is there, but cannot be opened.
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
        """Return a source of a virtual dataset; None if it is not there."""
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
    """Open a file for as long as it is read: whoever writes it must not find it locked."""
    with ExitStack() as stack:
        home = FileContext(path, stack.enter_context(open_hdf5_file(path, sources, options)))
        file = OpenHdf5File(home, sources, options, stack, {path: home})
        yield file
        file.close_others()


def _places(here: Path, name: str) -> list[Path]:
    """Where the library looks for a file that is named in the file `here`, in its order."""
    path = Path(name)
    relative = path.name if path.is_absolute() else name
    absolute = [path] if path.is_absolute() else []
    return [*absolute, here.parent / relative, Path.cwd() / relative]


def _keys(path: str) -> list[str]:
    """Return the parts of a path that HDF5 resolves: there, `..` is an ordinary name."""
    return [key for key in path.split("/") if key not in ("", ".")]
