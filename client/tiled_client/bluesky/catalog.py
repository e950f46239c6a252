"""Client object of catalogs of runs: runs by scan id, partial uid, and from the newest back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ..documents import Resource
from ..errors import AmbiguousKey, NodeNotFound
from ..http.operations import operation, run
from ..nodes.container import Container
from ..nodes.display.brief import briefly
from ..nodes.display.texts import counted, joined, listed, reason
from ..nodes.listing import ListingOperations
from ..query_base import Query
from ..uris import Path, path_text, split_path
from ..wire.structure_family import StructureFamily
from .queries import PartialUID, RunFields, ScanID, queries_for

if TYPE_CHECKING:
    from typing import Unpack

CATALOG = "CatalogOfBlueskyRuns"
MIN_UID_CHARACTERS = 5
UID_CHARACTERS = 36
# Matches of an ambiguous uid that the error names.
MAX_NAMED = 5
# Runs that a representation shows.
MAX_SHOWN = 10

RunKey = str | int | slice | tuple[str, ...] | list[Any]


class CatalogOperations(ListingOperations):
    """A catalog of runs, as both clients have it."""

    __hash__: ClassVar[Any] = ListingOperations.__hash__

    @operation
    async def __getitem__(self, key: RunKey) -> Any:
        """Fetch a run.

        Parameters
        ----------
        key
            A uid, or at least its first 5 characters; the key or path of any node; a scan id, of
            which the newest run is fetched; a negative number, such as -1 for the newest run. A
            slice with a negative start gives a list of runs, the newest last, and a list of keys
            a list of their runs.

        Raises
        ------
        NodeNotFound
            If there is no such run; a KeyError.
        AmbiguousKey
            If several uids begin with these characters; a NodeNotFound.
        """
        return await self._node(key)

    def search(self, query: Query | None = None, **fields: Unpack[RunFields]) -> Self:
        """Return this catalog restricted to the runs that match.

        Parameters
        ----------
        query
            One of `tiled_client.queries` or `tiled_client.bluesky`. Keys are those of the start
            document, unless they begin with "start." or "stop.".
        **fields
            `scan_id` and `plan_name`: a value, or a list of values one of which has to match;
            `since` and `until`: the times between which the run started, as datetimes, texts such
            as "2026-03-01 08:30", or seconds since 1970.

        Returns
        -------
        CatalogOfBlueskyRuns
            The same catalog; its views, iteration and length are those of the results.

        Examples
        --------
        >>> runs = client.create_container("runs", specs="CatalogOfBlueskyRuns")
        >>> len(runs.search(plan_name="scan", since="2026-03-01"))
        0
        """
        return self._with(_queries=(*self._queries, *queries_for(query, fields)))

    async def _node(self, key: Any) -> Any:
        if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
            return await self._run_of_number(int(key))
        if isinstance(key, slice):
            return await self._newest_runs(key)
        if isinstance(key, list):
            return [await self._node(each) for each in key]
        try:
            return await super()._node(key)
        except NodeNotFound as error:
            first, *rest = _path(key)
            if not rest:
                return await self._run_of_partial_uid(first, error)
            return await (await self._node(first))._node(tuple(rest))

    async def _run_of_number(self, number: int) -> Any:
        if number == 0:
            raise NodeNotFound(
                "0 is neither a scan id nor a position from the end: use catalog[-1] for the "
                "newest run, catalog.sort('start.time').values()[0] for the oldest."
            )
        if number > 0:
            found = await self._with(_queries=(*self._queries, ScanID(number)))._newest(0, 1)
            missing = f"No run has the scan id {number}"
        else:
            found = await self._newest(-1 - number, 1)
            missing = f"There are less than {-number} runs"
        if not found:
            raise NodeNotFound(f"{missing} in {path_text(self._path)}.")
        return found[0]

    async def _run_of_partial_uid(self, text: str, error: NodeNotFound) -> Any:
        if len(text) >= UID_CHARACTERS:
            raise error
        if len(text) < MIN_UID_CHARACTERS:
            raise NodeNotFound(
                f"{text!r} is not a key in {path_text(self._path)}, and too short for a uid: give "
                f"at least its first {MIN_UID_CHARACTERS} characters."
            ) from error
        matching = self._with(_queries=(*self._queries, PartialUID(text)))
        found = await matching._newest(0, MAX_NAMED + 1)
        if not found:
            raise NodeNotFound(
                f"No uid begins with {text!r}, and no key is {text!r}, in {path_text(self._path)}."
            ) from error
        if len(found) > 1:
            named = ", ".join(map(_describe, found[:MAX_NAMED]))
            others = ", and others" if len(found) > MAX_NAMED else ""
            raise AmbiguousKey(
                f"Several uids begin with {text!r}: {named}{others}. Give more characters."
            )
        return found[0]

    async def _newest_runs(self, part: slice) -> list[Any]:
        start, stop = part.start, part.stop or 0
        if part.step is not None or start is None or start >= 0 or stop > 0:
            raise IndexError(
                f"a slice of runs counts from the newest back, as catalog[-5:] for the last five, "
                f"not {part}: use catalog.values() for other slices"
            )
        return (await self._newest(-stop, max(stop - start, 0)))[::-1]

    async def _newest(self, offset: int, limit: int) -> list[Any]:
        """Return runs from the newest back: by their time, or else by the order that was chosen."""
        runs = self if self._sorting else self.sort("start.time")
        pages = runs.node_pages(offset=offset, limit=limit, reverse=True)
        return [node async for page in pages for _, node in page]


class CatalogOfBlueskyRuns(
    CatalogOperations, Container, family=StructureFamily.container, spec=CATALOG
):
    """A container of runs, which are also found by scan id, partial uid, and age.

    Examples
    --------
    >>> runs = client.create_container("runs", specs="CatalogOfBlueskyRuns")
    >>> start = {"uid": "0c13ab52-7a2b-4c7e-9d4b-8f5fd4a2a001", "scan_id": 7, "time": 1.77e9}
    >>> run = runs.create_container(start["uid"], specs="BlueskyRun", metadata={"start": start})
    >>> runs[7] == runs["0c13ab"] == runs[-1] == runs[start["uid"]]
    True
    """

    def __repr__(self) -> str:
        try:
            newest, count = briefly(self, lambda limited: run(limited._newest_ids()))
        except Exception as error:  # noqa: BLE001 - a representation has to be one
            return self._text(f"(runs unknown: {reason(error)})")
        return self._text(joined(f"{counted(count, 'run')}, newest first:", listed(newest, count)))

    async def _newest_ids(self) -> tuple[list[Any], int]:
        """Return the scan ids of the newest runs, and the number of all runs."""
        documents, count = await self.sort("-start.time").children(MAX_SHOWN)
        return [_scan_id(Resource.from_json(item).metadata) for item in documents], count


def short_time(seconds: Any) -> str | None:
    """Return the time of a document, if it has one, in the time zone of this computer."""
    if not isinstance(seconds, (int, float)):
        return None
    return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%Y-%m-%d %H:%M}"


def _path(key: Any) -> Path:
    parts: Sequence[str] = (key,) if isinstance(key, str) else key
    return tuple(name for part in parts for name in split_path(part)) or ("",)


def _describe(found: Any) -> str:
    start = found.metadata.get("start") or {}
    time = short_time(start.get("time")) or "at an unknown time"
    return f"{found.key} (scan id {_scan_id(found.metadata)}, {time})"


def _scan_id(metadata: Mapping[str, Any]) -> Any:
    start = metadata.get("start") or {}
    return start.get("scan_id", start.get("uid"))
