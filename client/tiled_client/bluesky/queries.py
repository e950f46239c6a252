"""Queries for runs, by the fields of their start documents.

catalog.search(TimeRange(since="2026-03-01")).search(PlanName("scan"))
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any, TypedDict

from ..arguments import names_of, whole_number
from ..queries import Comparison, In, KeyPresent, Like, Regex, _ValueQuery
from ..query_base import Query

SCAN_ID, PLAN_NAME, TIME, UID = "start.scan_id", "start.plan_name", "start.time", "start.uid"
DOCUMENTS = ("start", "stop")
# The queries whose `key` is one of the metadata.
OF_METADATA = (_ValueQuery, Comparison, KeyPresent, Like, Regex)

Time = datetime | date | str | float


class RunFields(TypedDict, total=False):
    """What `CatalogOfBlueskyRuns.search` takes by name."""

    scan_id: int | Sequence[int]
    plan_name: str | Sequence[str]
    since: Time
    until: Time


@dataclass(frozen=True)
class AllOf(Query):
    """Match nodes that match all of several queries."""

    queries: tuple[Query, ...]

    def parts(self) -> Sequence[Query]:
        """Return the filters of all queries."""
        return [part for query in self.queries for part in query.parts()]


def ScanID(*scan_ids: int) -> Query:  # noqa: N802
    """Match runs with one of these scan ids."""
    return In(SCAN_ID, [whole_number(number, "scan_id") for number in scan_ids])


def ScanIDRange(first: int, end: int) -> Query:  # noqa: N802
    """Match runs whose scan id is at least `first` and less than `end`."""
    bounds = whole_number(first, "first"), whole_number(end, "end")
    return AllOf((Comparison("ge", SCAN_ID, bounds[0]), Comparison("lt", SCAN_ID, bounds[1])))


def PlanName(*names: str) -> Query:  # noqa: N802
    """Match runs of a plan of one of these names."""
    return In(PLAN_NAME, names_of(names, "names"))


def PartialUID(prefix: str) -> Query:  # noqa: N802
    """Match runs whose uid begins with `prefix`."""
    if not isinstance(prefix, str) or not prefix:
        raise ValueError(f"prefix must be the first characters of a uid, not {prefix!r}")
    return Like(UID, re.sub(r"([\\%_])", r"\\\1", prefix) + "%")


def TimeRange(since: Time | None = None, until: Time | None = None) -> Query:  # noqa: N802
    """Match runs that started at or after `since` and before `until`.

    Times are datetimes or dates, their ISO 8601 texts, or seconds since 1970. Without a time zone,
    they are in that of this computer.
    """
    bounds = ("ge", "since", since), ("lt", "until", until)
    return AllOf(
        tuple(
            Comparison(operator, TIME, _seconds(name, value))
            for operator, name, value in bounds
            if value is not None
        )
    )


def queries_for(query: Query | None, fields: RunFields) -> list[Query]:
    """Return the queries for the arguments of a search.

    Raises TypeError for unknown fields.
    """
    if unknown := set(fields) - RunFields.__optional_keys__:
        known = ", ".join(sorted(RunFields.__optional_keys__))
        raise TypeError(
            f"runs are not searched by {', '.join(sorted(unknown))}: use {known}, or a query such "
            'as Key("sample") == "Ni"'
        )
    found = [] if query is None else [in_start_document(query)]
    if (scan_id := fields.get("scan_id")) is not None:
        found.append(ScanID(*(scan_id if isinstance(scan_id, Iterable) else (scan_id,))))
    if (plan_name := fields.get("plan_name")) is not None:
        found.append(PlanName(*((plan_name,) if isinstance(plan_name, str) else plan_name)))
    since, until = fields.get("since"), fields.get("until")
    if since is not None or until is not None:
        found.append(TimeRange(since, until))
    return found


def in_start_document(query: Query) -> Query:
    """Return a query whose key is one of the start document, unless it names a document."""
    if isinstance(query, OF_METADATA) and query.key.partition(".")[0] not in DOCUMENTS:
        changed: Query = replace(query, key=f"start.{query.key}")
        return changed
    return query


def _seconds(name: str, value: Any) -> float:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(
                f"{name} must be a time such as '2026-03-01' or '2026-03-01 08:30', not {value!r}"
            ) from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        return value.timestamp()  # one without a zone is in that of this computer
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a datetime, a text or a number of seconds, not {value!r}")
    return float(value)
