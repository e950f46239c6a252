"""Names of what writes have set aside in the folder of an array until they are committed.

A few chunks are files beside `zarr.json`, of the name of the write and the index of the chunk: to
make a folder for each write would cost as much as to write a chunk. Many lie where they will be,
under a longer name, since files are made quicker in many folders than in one; a list beside
`zarr.json` says of which boxes of chunks they are.
"""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..atomic_write import write_all

FOLDER = "c"
_FORM = re.compile(r"staged-([0-9a-f-]+)(?:@([0-9.]+))?\.partial")

Index = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StagedWrite:
    """What the write `name` has set aside: the chunk `index`, or a list of many if that is None."""

    name: str
    index: Index | None
    path: str

    def chunks(self, directory: Path) -> Iterator[tuple[Index, str]]:
        """Yield the chunks, with their files, of which some may be in their place already."""
        if self.index is not None:
            yield self.index, self.path
            return
        for index in itertools.chain.from_iterable(self._boxes()):
            yield index, staged_path(directory, self.name, index)

    def has(self, directory: Path, index: Index) -> bool:
        """Return whether it has the file of this chunk."""
        if self.index is not None:
            return (self.index or (0,)) == (index or (0,))
        return os.path.exists(staged_path(directory, self.name, index))

    def _boxes(self) -> Iterator[Iterator[Index]]:
        try:
            text = Path(self.path).read_text()
        except FileNotFoundError:
            return
        # A writer that was killed may have left half a line: it has set nothing aside of it.
        for line in text.split("\n")[:-1]:
            ranges = [range(*map(int, numbers.split(":"))) for numbers in line.split()]
            yield itertools.product(*ranges)


def chunk_path(directory: Path, index: Sequence[int]) -> str:
    """Return the file of chunk `index`, by zarr's default key encoding."""
    return "/".join((str(directory), FOLDER, *map(str, index)))


def file_of(directory: Path, name: str, index: Sequence[int]) -> str:
    """Return the file of one chunk, of a few, that the write called `name` sets aside."""
    return f"{directory}/staged-{name}@{'.'.join(map(str, index)) or '0'}.partial"


def staged_path(directory: Path, name: str, index: Sequence[int]) -> str:
    """Return the file of one chunk, of many, that the write called `name` sets aside."""
    return f"{chunk_path(directory, index)}.staged-{name}.partial"


def list_path(directory: Path, name: str) -> str:
    """Return the list of the many chunks that the write called `name` sets aside."""
    return f"{directory}/staged-{name}.partial"


def write_list(directory: Path, name: str, numbers: Sequence[range], *, sync: bool) -> None:
    """Note that the write called `name` is about to set the chunks with these numbers aside."""
    line = " ".join(f"{along.start}:{along.stop}" for along in numbers) + "\n"
    path = list_path(directory, name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        write_all(descriptor, line.encode())
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def find_stages(directory: Path) -> list[StagedWrite]:
    """What is set aside in the folder of an array, which need not exist."""
    try:
        names = os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = [name for name in names if name.startswith("staged-")]
    matches = [match for match in map(_FORM.fullmatch, names) if match is not None]
    return [
        StagedWrite(
            match[1],
            None if match[2] is None else tuple(map(int, match[2].split("."))),
            f"{directory}/{match[0]}",
        )
        for match in matches
    ]


def is_staged(directory: Path, index: Sequence[int]) -> bool:
    """Return whether a write has set this chunk aside."""
    return any(each.has(directory, tuple(index)) for each in find_stages(directory))
