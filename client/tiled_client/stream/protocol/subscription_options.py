"""Options of a subscription, and where in a stream it starts. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict, cast

from ...wire.slices import Item, expand_index, format_slice, parse_slice

Policy = Literal["block", "latest"]
Start = int | Literal["latest"] | None
StartTime = datetime | float

# The messages that this client understands besides updates.
FEATURES = "gap,reset,heartbeat,child-deleted,table-ref"

DEFAULT_START_TIMEOUT = 15.0


class StartOptions(TypedDict, total=False):
    """Keyword arguments of every method that starts a subscription, besides `start`."""

    start_time: StartTime | None
    epoch: str | None
    timeout: float


class UpdatesOptions(StartOptions, total=False):
    """Keyword arguments of `updates()`: those of the start, of `subscribe` and `StreamOptions`."""

    policy: Policy | None
    max_rate: float | None
    connect_timeout: float
    idle_before_ping: float
    buffer_bytes: int
    give_up_after: float


class DataUpdatesOptions(UpdatesOptions, total=False):
    """Keyword arguments of `updates()` of a node with data."""

    slice: Any
    columns: Sequence[str] | None


def split_start_options(options: Mapping[str, Any]) -> tuple[StartOptions, dict[str, Any]]:
    """Separate the options of the start from those of the subscription."""
    names = StartOptions.__optional_keys__
    start = {name: value for name, value in options.items() if name in names}
    rest = {name: value for name, value in options.items() if name not in names}
    return cast("StartOptions", start), rest


def reject_unknown(options: Iterable[str], known: Iterable[str], subject: str) -> None:
    """Raise TypeError if an option is not among the known ones."""
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(f"there is no option {unknown[0]!r} of {subject}")


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """Which of the updates to send, and which part of them. All None: every update, in full."""

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
        """Validate the arguments of `subscribe`. Raises ValueError, IndexError, TypeError.

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
            None if slice is None else _format_index(slice, ndim),
            None if columns is None else tuple(columns),
        )

    def __bool__(self) -> bool:
        """Return whether the server has to support any of them."""
        return self != SubscriptionOptions() and self != SubscriptionOptions(policy="block")

    @property
    def is_filtered(self) -> bool:
        """True if updates may be left out because no part of them was requested."""
        return self.slice is not None or self.columns is not None

    def to_params(self) -> dict[str, Any]:
        """Return the parameters of a request to subscribe, without those that are None."""
        return _given(
            policy=self.policy,
            max_rate=self.max_rate,
            slice=self.slice,
            columns=None if self.columns is None else list(self.columns),
        )


@dataclass(frozen=True, slots=True)
class StartPosition:
    """Where to start: at a number (of an epoch), the newest, a time, or with new updates."""

    start: Start = None
    start_time: str | None = None
    epoch: str | None = None

    @classmethod
    def parse(
        cls, start: Start = None, start_time: StartTime | None = None, epoch: str | None = None
    ) -> StartPosition:
        """Validate the arguments of a start. Raises ValueError, TypeError."""
        if start is not None and start_time is not None:
            raise ValueError("start at a number or at a time: give start or start_time, not both")
        if start is not None and start != "latest" and not _is_number(start):
            raise ValueError(
                "start must be 0 (the oldest retained), a sequence number or 'latest', "
                f"not {start!r}"
            )
        return cls(start, None if start_time is None else format_start_time(start_time), epoch)

    def to_params(self) -> dict[str, Any]:
        """Return the parameters of a request to subscribe, without those that are None."""
        return _given(start=self.start, start_time=self.start_time, epoch=self.epoch)


def format_start_time(time: StartTime) -> str:
    """Format as ISO 8601 in UTC; naive datetimes are local time, numbers seconds since 1970."""
    if not isinstance(time, datetime):
        if isinstance(time, bool) or not isinstance(time, int | float):
            raise TypeError(f"start_time must be a datetime, or seconds since 1970, not {time!r}")
        time = datetime.fromtimestamp(time, UTC)
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def query_pairs(params: dict[str, Any]) -> list[tuple[str, str]]:
    """Return query parameters; a list becomes one parameter for each of its items."""
    return [
        (name, str(item))
        for name, value in params.items()
        for item in (value if isinstance(value, list) else [value])
    ]


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _is_number(start: object) -> bool:
    return isinstance(start, int) and not isinstance(start, bool) and start >= 0


def _format_index(index: Any, ndim: int | None) -> str:
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
            "the slice of a stream must be made of numbers from 0 on, and of start:stop:step with "
            f"steps of 1 or more: it cannot be {index!r}"
        )
    return format_slice(items)


def _counts_from_the_end(item: Item) -> bool:
    # An array may grow while it is streamed, so that its end is no place to count from.
    if isinstance(item, int):
        return item < 0
    return any((n or 0) < 0 for n in (item.start, item.stop)) or (
        item.step is not None and item.step < 1
    )
