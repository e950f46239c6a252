"""File names of staged chunks in the folder of an array.

A few chunks are files beside `zarr.json`, named for the write and the chunk index: creating a
folder per write would cost as much as writing a chunk. Many chunks lie beside their final files
with a suffix, since creating files in many folders is faster than in one; a list beside
`zarr.json` names the boxes of chunks that they are.
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
    """Files staged by the write `name`: of the chunk `index`, or those of a list if it is None."""

    name: str
    index: Index | None
    path: str

    def chunks(self, directory: Path) -> Iterator[tuple[Index, str]]:
        """Yield the chunks and their staged files, of which some may be applied already."""
        if self.index is not None:
            yield self.index, self.path
            return
        for index in itertools.chain.from_iterable(self._boxes()):
            yield index, staged_path(directory, self.name, index)

    def has(self, directory: Path, index: Index) -> bool:
        """Return whether the staged file of this chunk exists."""
        if self.index is not None:
            return (self.index or (0,)) == (index or (0,))
        return os.path.exists(staged_path(directory, self.name, index))

    def _boxes(self) -> Iterator[Iterator[Index]]:
        try:
            text = Path(self.path).read_text()
        except FileNotFoundError:
            return
        # A killed writer may leave half a line, before it has staged any of those chunks.
        for line in text.split("\n")[:-1]:
            ranges = [range(*map(int, numbers.split(":"))) for numbers in line.split()]
            yield itertools.product(*ranges)


def chunk_path(directory: Path, index: Sequence[int]) -> str:
    """Return the path of chunk `index`, in zarr's default key encoding."""
    return "/".join((str(directory), FOLDER, *map(str, index)))


def single_path(directory: Path, name: str, index: Sequence[int]) -> str:
    """Return the staged path of a chunk of a write `name` of few chunks."""
    return f"{directory}/staged-{name}@{'.'.join(map(str, index)) or '0'}.partial"


def staged_path(directory: Path, name: str, index: Sequence[int]) -> str:
    """Return the staged path of a chunk of a write `name` of many chunks."""
    return f"{chunk_path(directory, index)}.staged-{name}.partial"


def list_path(directory: Path, name: str) -> str:
    """Return the path of the list of chunks of a write `name` of many chunks."""
    return f"{directory}/staged-{name}.partial"


def write_list(directory: Path, name: str, numbers: Sequence[range], *, sync: bool) -> None:
    """List the chunks with these numbers, which the write `name` is about to stage."""
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
    """Return the staged files in the folder of an array, which need not exist."""
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
    """Return whether any write has staged this chunk."""
    return any(each.has(directory, tuple(index)) for each in find_stages(directory))
