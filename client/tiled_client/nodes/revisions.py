"""Revisions of a node's metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

from ..documents import read_specs
from ..errors import InvalidResponse
from ..http.client import HttpClient
from ..uris import Path
from ..wire.specs import Spec

PAGE_ITEMS = 100


@dataclass(frozen=True, slots=True)
class Revision:
    """Metadata and specs as they were before the update at `time_updated`."""

    number: int
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    time_updated: datetime


class MetadataRevisions(Sequence[Revision]):
    """The revisions of a node, oldest first; fetched when they are accessed."""

    def __init__(self, http: HttpClient, path: Path) -> None:
        self._http = http
        self._path = path

    def __len__(self) -> int:
        return int(self._fetch_page(0, 0)["meta"]["count"])

    @overload
    def __getitem__(self, item: int) -> Revision: ...
    @overload
    def __getitem__(self, item: slice) -> list[Revision]: ...
    def __getitem__(self, item: int | slice) -> Revision | list[Revision]:
        """Return a revision by position (not by number), or a slice. Raises IndexError."""
        if isinstance(item, slice):
            positions = range(len(self))[item]
            low, high = (min(positions), max(positions) + 1) if positions else (0, 0)
            found = list(self._fetch(low, high))
            return [found[position - low] for position in positions]
        position = item if item >= 0 else item + len(self)
        found = list(self._fetch(position, position + 1)) if position >= 0 else []
        if not found:
            raise IndexError(f"there is no revision at position {item}")
        return found[0]

    def __iter__(self) -> Iterator[Revision]:
        return self._fetch(0, None)

    def delete_revision(self, number: int) -> None:
        """Delete the revision of this number. Raises NodeNotFound if there is none."""
        self._http.delete("revisions", self._path, params={"number": number})

    def __repr__(self) -> str:
        return f"<MetadataRevisions {'/' + '/'.join(self._path)}>"

    def _fetch(self, start: int, stop: int | None) -> Iterator[Revision]:
        while stop is None or start < stop:
            size = PAGE_ITEMS if stop is None else min(PAGE_ITEMS, stop - start)
            found = self._fetch_page(start, size)["data"]
            yield from map(_revision, found)
            start += len(found)
            if len(found) < size:
                return

    def _fetch_page(self, offset: int, limit: int) -> Mapping[str, Any]:
        params = {"page[offset]": offset, "page[limit]": limit}
        page = self._http.get("revisions", self._path, params=params).value()
        if not isinstance(page, Mapping) or "data" not in page:
            raise InvalidResponse("The server sent no list of revisions.")
        return page


def _revision(value: Mapping[str, Any]) -> Revision:
    try:
        attributes = value["attributes"]
        time = attributes["time_updated"]
        return Revision(
            value["revision_number"],
            attributes["metadata"],
            read_specs(attributes["specs"]),
            datetime.fromisoformat(time) if isinstance(time, str) else time,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidResponse(f"The server sent an invalid revision: {error}") from error
