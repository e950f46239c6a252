"""Pieces of a copy, of which threads copy several at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from catalog.models import DataSource
from catalog.storage.errors import StorageError
from catalog.storage.objects.client import ObjectStore

from .errors import CopyError

Failure = StorageError | CopyError | OSError


@dataclass(frozen=True, slots=True)
class Piece:
    """A file or an object to copy. `copy` is called in a thread, and uses no database.

    `nbytes` are in memory meanwhile. `name` and `state` are recorded once it is copied; without a
    name, nothing is.
    """

    copy: Callable[[], object]
    nbytes: int = 0
    name: str = ""
    state: str = ""


class Direction(Protocol):
    """Divides data sources into pieces to copy, and lets their rows name the copy."""

    @property
    def objects(self) -> ObjectStore:
        """The objects to copy from, or to."""
        ...

    def settle(self, source: DataSource) -> None:
        """Finish interrupted writes. Servers must be stopped."""
        ...

    def pieces(self, source: DataSource) -> Iterator[Piece]:
        """Yield what has changed since the last run. Each is read back when it is copied.

        Raises MissingFile, StorageError, OSError, as `Piece.copy` does, which also raises
        DiffersError.
        """
        ...

    def switch(self, source: DataSource) -> None:
        """Let the rows of a copied data source name the copy. Call it in a transaction."""
        ...


SourcePiece = tuple[DataSource, Piece]


def copy_pieces(
    objects: ObjectStore, pieces: Iterator[SourcePiece]
) -> Iterator[tuple[DataSource, Piece, Failure | None]]:
    """Copy pieces, several at a time; yield each with its data source, and why it failed."""

    def copied(item: SourcePiece) -> tuple[DataSource, Piece, Failure | None]:
        source, piece = item
        try:
            piece.copy()
        except (StorageError, CopyError, OSError) as error:
            return source, piece, error
        return source, piece, None

    yield from objects.parallel(copied, pieces, nbytes=lambda item: item[1].nbytes)


def copy_source(direction: Direction, source: DataSource) -> None:
    """Copy one data source. Raises MissingFile, DiffersError, StorageError, OSError."""
    pieces = ((source, piece) for piece in direction.pieces(source))
    for _, _, failure in copy_pieces(direction.objects, pieces):
        if failure is not None:
            raise failure
