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
from ..uris import check_kind
from .names import link_at, raw_name
from .options import Options

# So many links may follow one upon another.
MOST_LINKS = 32


@dataclass(slots=True)
class OpenFile:
    """An open HDF5 file, with those that links lead to, which are opened as needed."""

    path: Path
    file: h5py.File
    sources: Sources
    options: Options
    stack: ExitStack
    others: dict[Path, h5py.File] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    """Sources of virtual datasets that were not there when these were looked at."""

    def find(self, keys: Sequence[str]) -> Any:
        """The group, dataset or datatype at `keys`, counted from the top of the file.

        Raises NoSuchEntry, MissingFile (a broken link), OutsideReadable.
        """
        return self._walk(self.file, self.file["/"], list(keys), 0)

    def child(self, group: h5py.Group, name: str) -> Any:
        """What a name in a group leads to. Raises as `find` does."""
        return self._walk(group.file, group, [name], 0)

    def _walk(self, file: h5py.File, found: Any, keys: list[str], links: int) -> Any:
        for key in keys:
            if links > MOST_LINKS:
                raise MissingFile(f"More than {MOST_LINKS} links follow one upon another.")
            raw = raw_name(found, key) if isinstance(found, h5py.Group) else None
            if raw is None:
                raise NoSuchEntry(f"{self.path} has no {'/'.join(keys)}.")
            match link_at(found, raw):
                case None:
                    found = found[raw]
                case h5py.SoftLink() as link:
                    found = self._follow(file, file, found, link.path, links)
                case h5py.ExternalLink() as link:
                    other = self._other(Path(found.file.filename), link.filename)
                    found = self._follow(file, other, other["/"], link.path, links)
            file = found.file
        return found

    def _follow(self, file: h5py.File, other: h5py.File, start: Any, path: str, links: int) -> Any:
        keys = _keys(path)
        start = other["/"] if path.startswith("/") or other is not file else start
        try:
            return self._walk(other, start, keys, links + 1)
        except NoSuchEntry as error:
            raise MissingFile(f"A link in {self.path} to {path} is broken.") from error

    def _other(self, here: Path, name: str) -> h5py.File:
        places = _places(here, name)
        # The library goes on to the next place where a file is there, but cannot be opened.
        found = [self.sources.confined(place) for place in places if place.exists()]
        path = found[0] if found else self.sources.confined(places[0])
        if path not in self.others:
            try:
                self.others[path] = self.stack.enter_context(_file(path, self.options))
            except FileNotFoundError as error:
                raise MissingFile(f"A link in {here} to the file {name} is broken.") from error
        return self.others[path]

    def check_storage(self, dataset: h5py.Dataset, depth: int = 0) -> h5py.Dataset:
        """The dataset, if its bytes lie in files that may be read.

        Raises OutsideReadable, and Unreadable for sources that the library would find elsewhere.
        """
        for name, _, _ in dataset.external or ():
            # The library takes it from the folder that the server was started in.
            self.sources.confined(Path(name))
        if dataset.is_virtual:
            for source in {(one.file_name, one.dset_name) for one in dataset.virtual_sources()}:
                self._check_virtual(dataset, *source, depth=depth)
        return dataset

    def _check_virtual(self, dataset: h5py.Dataset, file: str, name: str, *, depth: int) -> None:
        if depth > MOST_LINKS:
            raise Unreadable(f"More than {MOST_LINKS} virtual datasets follow one upon another.")
        if "%" in file or "%" in name:
            # The library would replace what follows it by numbers, so that names are not known.
            raise Unreadable(
                f"The virtual dataset {dataset.name} names the source {name} in {file}. "
                "Names with % are not read: list each source by its own name."
            )
        try:
            source = self._source(dataset, file, name)
        except (MissingFile, NoSuchEntry):
            self.missing.append(f"{file}:{name}")
            return  # where it will be, there are fill values for now
        if isinstance(source, h5py.Dataset):
            self.check_storage(source, depth + 1)

    def _source(self, dataset: h5py.Dataset, file: str, name: str) -> Any:
        here = Path(dataset.file.filename)
        other = dataset.file if file == "." else self._other(here, file)
        return self._walk(other, other["/"], _keys(name), 0)


@contextmanager
def opened(path: Path, sources: Sources, options: Options) -> Iterator[OpenFile]:
    """Open a file for as long as it is read: whoever writes it must not find it locked."""
    with ExitStack() as stack:
        file = stack.enter_context(_file(path, options))
        yield OpenFile(path, file, sources, options, stack, {path: file})


def _file(path: Path, options: Options) -> h5py.File:
    import hdf5plugin  # noqa: F401 - registers its filters with the library

    if not path.exists():
        raise FileNotFoundError(path)
    check_kind(path)
    how: dict[str, Any] = {} if options.locking is None else {"locking": options.locking}
    if options.swmr:
        try:
            return h5py.File(path, "r", swmr=True, libver="latest", **how)
        except BlockingIOError:
            raise
        except OSError:
            pass  # files of older versions of the format know no such mode
    return h5py.File(path, "r", **how)


def _places(here: Path, name: str) -> list[Path]:
    """Where the library looks for a file that is named in the file `here`, in its order."""
    path = Path(name)
    relative = path.name if path.is_absolute() else name
    absolute = [path] if path.is_absolute() else []
    return [*absolute, here.parent / relative, Path.cwd() / relative]


def _keys(path: str) -> list[str]:
    """The parts of a path in a file that the library heeds: `..` is a name like any other."""
    return [key for key in path.split("/") if key not in ("", ".")]
