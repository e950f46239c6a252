"""The mark of the site that a prefix of a bucket belongs to: the object `.site`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

from ....storage.errors import MissingFile, StorageUnavailable
from ....storage.objects.client import ObjectStore
from ..known_nodes import BATCH, missing
from .names import MARK, parse_name


class BucketMark:
    """The object `.site` below the prefix."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects

    @property
    def place(self) -> str:
        """The setting, and the prefix."""
        return f"storage.uri {self._objects.location.uri}"

    @property
    def address(self) -> str:
        """The URI of the object."""
        return self._objects.address(MARK)

    def exists(self) -> bool:
        """Return whether the object exists."""
        return self._objects.exists(MARK)

    def read(self) -> uuid.UUID | None:
        """Return the mark in the object."""
        with suppress(ValueError, MissingFile):
            return uuid.UUID(bytes(self._objects.get(MARK)).decode().strip())
        return None

    def create(self, mark: uuid.UUID) -> bool:
        """Put the mark unless there is one."""
        # The answer to a put may be lost: then there is one, with this mark.
        return self._objects.put_new(MARK, f"{mark}\n".encode()) or self.read() == mark

    def replace(self, mark: uuid.UUID) -> None:
        """Put the mark."""
        self._objects.put(MARK, f"{mark}\n".encode())

    def remove(self) -> None:
        """Delete the object."""
        self._objects.delete([MARK])

    def foreign(self) -> str | None:
        """Return an object of another site: of unknown nodes, below the prefix or around it."""
        if (around := self.site_around()) is not None:
            return f"another site around it, {around},"
        names = (found.name for found in self._objects.list_objects())
        first = next(names, None)
        if first is None:
            return None
        if any(self._known(chunk) for chunk in _batches(first, names)):
            return None
        return f"objects, {self._objects.address(first)} for one,"

    def site_around(self) -> str | None:
        """Return the mark of a site whose prefix contains this one."""
        parts = self._objects.prefix.split("/") if self._objects.prefix else []
        for length in range(len(parts)):
            outer = self._objects.outside("/".join(parts[:length]))
            # The credentials may be for this prefix only.
            with suppress(StorageUnavailable):
                if outer.exists(MARK):
                    return outer.address(MARK)
        return None

    def _known(self, names: list[str]) -> bool:
        nodes = {found[0] for found in map(parse_name, names) if found is not None}
        return bool(nodes) and len(missing(list(nodes))) < len(nodes)


def _batches(first: str, others: Iterator[str]) -> Iterator[list[str]]:
    batch = [first, *islice(others, BATCH - 1)]
    while batch:
        yield batch
        batch = list(islice(others, BATCH))
