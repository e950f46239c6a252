"""What a subscriber wants of a stream, and where in it to begin: read, judged, put into words.

No I/O.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from ...wire.slices import Item, expand_index, format_slice, parse_slice

Policy = Literal["block", "latest"]
Start = int | Literal["latest"] | None
StartTime = datetime | float

# What this client understands besides the updates themselves.
FEATURES = "gap,reset,heartbeat,child-deleted,table-ref"


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """Which of the updates, and what of them. All None: every update, as it was written."""

    policy: Policy | None = None
    max_rate: float | None = None
    slice: str | None = None
    columns: tuple[str, ...] | None = None

    @classmethod
    def parse(
        cls,
        *,
        policy: Policy | None = None,
        max_rate: float | None = None,
        slice: Any = None,
        columns: Sequence[str] | None = None,
        ndim: int | None = None,
    ) -> SubscriptionOptions:
        """Judge what a user said. Raises ValueError, IndexError, TypeError.

        `slice` is a numpy index (`numpy.s_[::4, ::4]`) or its text (`"::4,::4"`), of an array of
        `ndim` dimensions, as far as that is known.
        """
        if policy not in (None, "block", "latest"):
            raise ValueError(f"policy must be 'block' or 'latest', not {policy!r}")
        if max_rate is not None and not (max_rate > 0 and math.isfinite(max_rate)):
            raise ValueError(f"max_rate must be a number of updates per second, not {max_rate!r}")
        if isinstance(columns, str):
            raise TypeError(f"columns must be a list of names: [{columns!r}]")
        return cls(
            policy,
            None if max_rate is None else float(max_rate),
            None if slice is None else _slice_text(slice, ndim),
            None if columns is None else tuple(columns),
        )

    def __bool__(self) -> bool:
        """Whether anything is wanted that a server has to be able to do."""
        return self != SubscriptionOptions() and self != SubscriptionOptions(policy="block")

    @property
    def is_filtered(self) -> bool:
        """Whether updates may be left out because nothing of them is wanted."""
        return self.slice is not None or self.columns is not None

    def to_params(self) -> dict[str, Any]:
        """What to say of it when subscribing; what was not asked for is left out."""
        said: dict[str, Any] = {
            "policy": self.policy,
            "max_rate": self.max_rate,
            "slice": self.slice,
            "columns": None if self.columns is None else list(self.columns),
        }
        return {name: value for name, value in said.items() if value is not None}


@dataclass(frozen=True, slots=True)
class StartPosition:
    """Where to begin: at a number (of an epoch), at the newest, at a moment, or from now on."""

    start: Start = None
    start_time: str | None = None
    epoch: str | None = None

    @classmethod
    def parse(
        cls, start: Start = None, start_time: StartTime | None = None, epoch: str | None = None
    ) -> StartPosition:
        """Judge what a user said. Raises ValueError, TypeError."""
        if start is not None and start_time is not None:
            raise ValueError("begin at a number or at a moment: give start or start_time, not both")
        if start is not None and start != "latest" and not _is_number(start):
            raise ValueError(
                "start must be 0 (the oldest retained), a sequence number or 'latest', "
                f"not {start!r}"
            )
        return cls(start, None if start_time is None else format_start_time(start_time), epoch)

    def to_params(self) -> dict[str, Any]:
        """What to say of it when subscribing."""
        said = {"start": self.start, "start_time": self.start_time, "epoch": self.epoch}
        return {name: value for name, value in said.items() if value is not None}


def format_start_time(moment: StartTime) -> str:
    """ISO 8601 in UTC; a datetime without a zone is local time, a number counts from 1970."""
    if not isinstance(moment, datetime):
        if isinstance(moment, bool) or not isinstance(moment, int | float):
            raise TypeError(f"start_time must be a datetime, or seconds since 1970, not {moment!r}")
        moment = datetime.fromtimestamp(moment, UTC)
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def query_pairs(words: dict[str, Any]) -> list[tuple[str, str]]:
    """The words as query parameters: a list as one parameter for each of its items."""
    return [
        (name, str(item))
        for name, value in words.items()
        for item in (value if isinstance(value, list) else [value])
    ]


def _is_number(start: object) -> bool:
    return isinstance(start, int) and not isinstance(start, bool) and start >= 0


def _slice_text(index: Any, ndim: int | None) -> str:
    if isinstance(index, str):
        items = parse_slice(index.strip().removeprefix("[").removesuffix("]").replace(" ", ""))
    elif ndim is None:
        items = expand_index(index, len(index) if isinstance(index, tuple) else 1)
    else:
        items = expand_index(index, ndim)
    if ndim is not None and len(items) > ndim:
        raise IndexError(f"too many indices: the array is {ndim}-dimensional")
    if not items or any(map(_counts_from_the_end, items)):
        raise ValueError(
            f"a stream can be cut by numbers from 0 on, and by start:stop:step with steps of 1 or "
            f"more, not by {index!r}"
        )
    return format_slice(items)


def _counts_from_the_end(item: Item) -> bool:
    # An array may grow while it is watched: where it ends is no place to count from.
    if isinstance(item, int):
        return item < 0
    return any((n or 0) < 0 for n in (item.start, item.stop)) or (
        item.step is not None and item.step < 1
    )
