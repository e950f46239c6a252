"""Revisions of a node's metadata."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, overload

from ..arguments import whole_number
from ..documents import read_specs
from ..errors import InvalidResponse
from ..http.operations import Blocking, iterate, operation, run
from ..http.request_client import RequestClient
from ..public_surface import PublicSurface
from ..uris import Path, quoted_path
from ..wire.specs import Spec

PAGE_ITEMS = 100


@dataclass(frozen=True, slots=True)
class Revision:
    """Metadata and specs as they were before the update at `time_updated`."""

    number: int
    metadata: dict[str, Any]
    specs: tuple[Spec, ...]
    time_updated: datetime


class RevisionOperations(PublicSurface):
    """The revisions of a node, as both clients fetch them."""

    def __init__(self, requests: RequestClient, path: Path) -> None:
        self._requests = requests
        self._path = path

    @operation
    async def delete_revision(self, number: int) -> None:
        """Delete a revision.

        Parameters
        ----------
        number
            The `number` of the revision, which is not its position.

        Raises
        ------
        NodeNotFound
            If there is no such revision.
        """
        await self._requests.delete(
            "revisions", self._path, params={"number": whole_number(number, "number")}
        )

    async def fetch_count(self) -> int:
        """Return the number of revisions."""
        return int((await self._fetch_page(0, 0))["meta"]["count"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {quoted_path(self._path)}>"

    async def _item(self, index: int) -> Revision:
        index = whole_number(index, "position")
        position = index if index >= 0 else index + await self.fetch_count()
        found = await self._listed(position, position + 1) if position >= 0 else []
        if not found:
            raise IndexError(f"there is no revision at position {index}")
        return found[0]

    async def _slice(self, part: slice) -> list[Revision]:
        positions = range(await self.fetch_count())[part]
        low, high = (min(positions), max(positions) + 1) if positions else (0, 0)
        found = await self._listed(low, high)
        return [found[position - low] for position in positions]

    async def _listed(self, start: int, stop: int) -> list[Revision]:
        return [revision async for page in self.pages(start, stop) for revision in page]

    async def pages(self, start: int, stop: int | None) -> AsyncIterator[list[Revision]]:
        """Yield pages of revisions."""
        while stop is None or start < stop:
            size = PAGE_ITEMS if stop is None else min(PAGE_ITEMS, stop - start)
            found = (await self._fetch_page(start, size))["data"]
            yield [_revision(value) for value in found]
            start += len(found)
            if len(found) < size:
                return

    async def _fetch_page(self, offset: int, limit: int) -> Mapping[str, Any]:
        params = {"page[offset]": offset, "page[limit]": limit}
        page = (await self._requests.get("revisions", self._path, params=params)).value()
        if not isinstance(page, Mapping) or "data" not in page:
            raise InvalidResponse("The server sent no list of revisions.")
        return page


class MetadataRevisions(Blocking, RevisionOperations, Sequence[Revision]):
    """The revisions of a node, oldest first; fetched when they are accessed."""

    def __len__(self) -> int:
        return run(self.fetch_count())

    @overload
    def __getitem__(self, item: int) -> Revision: ...
    @overload
    def __getitem__(self, item: slice) -> list[Revision]: ...
    def __getitem__(self, item: int | slice) -> Revision | list[Revision]:
        """Return a revision by position (not by number), or a slice. Raises IndexError."""
        return run(self._slice(item)) if isinstance(item, slice) else run(self._item(item))

    def __iter__(self) -> Iterator[Revision]:
        for page in iterate(self.pages(0, None)):
            yield from page


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
