"""What a node was described as before each update of its metadata."""

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

PAGE = 100


@dataclass(frozen=True, slots=True)
class Revision:
    """Metadata and specs as they were until `time_updated` came the update that replaced them."""

    number: int
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    time_updated: datetime


class MetadataRevisions(Sequence[Revision]):
    """The revisions of a node, the oldest first, asked for when they are looked at."""

    def __init__(self, http: HttpClient, path: Path) -> None:
        self._http = http
        self._path = path

    def __len__(self) -> int:
        return int(self._page(0, 0)["meta"]["count"])

    @overload
    def __getitem__(self, item: int) -> Revision: ...
    @overload
    def __getitem__(self, item: slice) -> list[Revision]: ...
    def __getitem__(self, item: int | slice) -> Revision | list[Revision]:
        """One by its place (not its number), or several."""
        if isinstance(item, slice):
            wanted = range(len(self))[item]
            low, high = (min(wanted), max(wanted) + 1) if wanted else (0, 0)
            found = list(self._from(low, high))
            return [found[place - low] for place in wanted]
        place = item if item >= 0 else item + len(self)
        found = list(self._from(place, place + 1)) if place >= 0 else []
        if not found:
            raise IndexError(f"there is no revision at place {item}")
        return found[0]

    def __iter__(self) -> Iterator[Revision]:
        return self._from(0, None)

    def delete_revision(self, number: int) -> None:
        """Forget the one of that number. Raises NodeNotFound without it."""
        self._http.delete("revisions", self._path, params={"number": number})

    def __repr__(self) -> str:
        return f"<MetadataRevisions {'/' + '/'.join(self._path)}>"

    def _from(self, place: int, stop: int | None) -> Iterator[Revision]:
        while stop is None or place < stop:
            size = PAGE if stop is None else min(PAGE, stop - place)
            found = self._page(place, size)["data"]
            yield from map(_revision, found)
            place += len(found)
            if len(found) < size:
                return

    def _page(self, offset: int, limit: int) -> Mapping[str, Any]:
        params = {"page[offset]": offset, "page[limit]": limit}
        page = self._http.get("revisions", self._path, params=params).value()
        if not isinstance(page, Mapping) or "data" not in page:
            raise InvalidResponse("The server did not list the revisions of the node.")
        return page


def _revision(value: Mapping[str, Any]) -> Revision:
    try:
        described = value["attributes"]
        time = described["time_updated"]
        return Revision(
            value["revision_number"],
            described["metadata"],
            read_specs(described["specs"]),
            datetime.fromisoformat(time) if isinstance(time, str) else time,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidResponse(f"The server described a revision in an unknown way: {error}") from (
            error
        )
