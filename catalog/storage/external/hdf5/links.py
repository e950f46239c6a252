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
from .outside import is_outside, outside_dataset
from .virtual import Plain, Source, Virtual

# So many links may follow one upon another.
MOST_LINKS = 32


@dataclass(frozen=True, eq=False, slots=True)
class Home:
    """An open file, and where it lies."""

    path: Path
    file: h5py.File


@dataclass(frozen=True, slots=True)
class Place:
    """A group, dataset or datatype, in the file where links have led to it."""

    home: Home
    found: Any

    @classmethod
    def top(cls, home: Home) -> Place:
        """The top of a file."""
        return cls(home, home.file["/"])


@dataclass(slots=True)
class OpenFile:
    """An open HDF5 file, with those that links lead to, which are opened as needed."""

    home: Home
    sources: Sources
    options: Options
    stack: ExitStack
    others: dict[Path, Home] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    """Sources of virtual datasets that were not there when these were looked for."""
    known: dict[tuple[Home, str, str], Source | None] = field(default_factory=dict)
    pending: set[tuple[Home, str, str]] = field(default_factory=set)

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return self.home.path

    @property
    def file(self) -> h5py.File:
        """The file itself."""
        return self.home.file

    def find(self, keys: Sequence[str]) -> Place:
        """The group, dataset or datatype at `keys`, counted from the top of the file.

        Raises NoSuchEntry, MissingFile (a broken link), OutsideReadable.
        """
        return self._walk(Place.top(self.home), list(keys), 0)

    def stored(self, place: Place) -> h5py.Dataset | Virtual:
        """The dataset at a place, for reading: the library opens no other file for it.

        Raises OutsideReadable, MissingFile, Unreadable.
        """
        dataset = place.found
        if dataset.is_virtual:
            return Virtual(dataset, lambda file, name: self._source(place.home, file, name))
        if is_outside(dataset):
            return outside_dataset(dataset, self.sources, self.stack)
        return dataset

    def forget_sources(self) -> None:
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

    def _walk(self, place: Place, keys: list[str], links: int) -> Place:
        for key in keys:
            if links > MOST_LINKS:
                raise MissingFile(f"More than {MOST_LINKS} links follow one upon another.")
            found = place.found
            raw = raw_name(found, key) if isinstance(found, h5py.Group) else None
            if raw is None:
                raise NoSuchEntry(f"{self.path} has no {'/'.join(keys)}.")
            match link_at(found, raw):
                case None:
                    place = Place(place.home, found[raw])
                case h5py.SoftLink() as link:
                    start = Place.top(place.home) if link.path.startswith("/") else place
                    place = self._follow(start, link.path, links)
                case h5py.ExternalLink() as link:
                    start = Place.top(self._other(place.home, link.filename))
                    place = self._follow(start, link.path, links)
        return place

    def _follow(self, start: Place, path: str, links: int) -> Place:
        try:
            return self._walk(start, _keys(path), links + 1)
        except NoSuchEntry as error:
            raise MissingFile(f"A link in {self.path} to {path} is broken.") from error

    def _other(self, here: Home, name: str) -> Home:
        places = _places(here.path, name)
        # The library goes on to the next place where a file is there, but cannot be opened.
        found = [self.sources.confined(place) for place in places if place.exists()]
        path = found[0] if found else self.sources.confined(places[0])
        if path not in self.others:
            try:
                file = open_hdf5_file(path, self.sources, self.options)
            except FileNotFoundError as error:
                raise MissingFile(f"A link in {here.path} to the file {name} is broken.") from error
            self.others[path] = Home(path, self.stack.enter_context(file))
        return self.others[path]

    def _source(self, here: Home, file: str, name: str) -> Source | None:
        """A source of a virtual dataset; None if it is not there."""
        wanted = here, file, name
        if wanted in self.pending:
            raise Unreadable(f"The extent of {name} in {file} depends on itself.")
        if wanted not in self.known:
            self.pending.add(wanted)
            try:
                self.known[wanted] = self._found_source(here, file, name)
            finally:
                self.pending.discard(wanted)
        return self.known[wanted]

    def _found_source(self, here: Home, file: str, name: str) -> Source | None:
        try:
            other = here if file == "." else self._other(here, file)
            place = self._walk(Place.top(other), _keys(name), 0)
        except (MissingFile, NoSuchEntry):
            place = None
        if place is None or not isinstance(place.found, h5py.Dataset):
            self.missing.add(f"{file}:{name}")
            return None
        stored = self.stored(place)
        return stored if isinstance(stored, Virtual) else Plain(stored)


@contextmanager
def opened(path: Path, sources: Sources, options: Options) -> Iterator[OpenFile]:
    """Open a file for as long as it is read: whoever writes it must not find it locked."""
    with ExitStack() as stack:
        home = Home(path, stack.enter_context(open_hdf5_file(path, sources, options)))
        file = OpenFile(home, sources, options, stack, {path: home})
        yield file
        file.close_others()


def _places(here: Path, name: str) -> list[Path]:
    """Where the library looks for a file that is named in the file `here`, in its order."""
    path = Path(name)
    relative = path.name if path.is_absolute() else name
    absolute = [path] if path.is_absolute() else []
    return [*absolute, here.parent / relative, Path.cwd() / relative]


def _keys(path: str) -> list[str]:
    """The parts of a path in a file that the library heeds: `..` is a name like any other."""
    return [key for key in path.split("/") if key not in ("", ".")]
