"""Options of a subscription, and where in a stream it starts. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict, cast

from ...arguments import names_of, positive_number, whole_number
from ...encoded_values import decodable_encodings
from ...wire.reductions import Reduction
from ...wire.roi import RegionsOfInterest
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
    reduce: str | None
    roi: Any
    accept_encoding: str | Sequence[str] | None


def split_start_options(options: Mapping[str, Any]) -> tuple[StartOptions, dict[str, Any]]:
    """Separate the options of the start from those of the subscription."""
    names = StartOptions.__optional_keys__
    start = {name: value for name, value in options.items() if name in names}
    rest = {name: value for name, value in options.items() if name not in names}
    return cast("StartOptions", start), rest


def reject_unknown(options: Iterable[str], known: Iterable[str], subject: str) -> None:
    """Raise TypeError if an option is not among the known ones."""
    names = sorted(known)
    unknown = sorted(set(options) - set(names))
    if unknown:
        raise TypeError(
            f"there is no option {unknown[0]!r} of {subject}: further ones are {', '.join(names)}"
        )


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """Which of the updates to send, and which part of them. All None: every update, in full."""

    policy: Policy | None = None
    max_rate: float | None = None
    slice: str | None = None
    columns: tuple[str, ...] | None = None
    reduce: str | None = None
    roi: str | None = None
    accept_encoding: tuple[str, ...] | None = None

    @classmethod
    def parse(
        cls,
        *,
        policy: Policy | None = None,
        max_rate: float | None = None,
        slice: Any = None,
        columns: Sequence[str] | None = None,
        reduce: str | None = None,
        roi: Any = None,
        accept_encoding: str | Sequence[str] | None = None,
        ndim: int | None = None,
    ) -> SubscriptionOptions:
        """Validate the arguments of `subscribe`. Raises ValueError, IndexError, TypeError.

        `slice` is a numpy index (`numpy.s_[::4, ::4]`) or its text (`"::4,::4"`), of an array of
        `ndim` dimensions, as far as that is known; `roi` is an index of the trailing dimensions, a
        list of several, or their text.
        """
        if reduce is not None and roi is not None:
            raise ValueError("reduce and roi cannot be combined: use two subscriptions")
        if policy not in (None, "block", "latest"):
            raise ValueError(f"policy must be 'block' or 'latest', not {policy!r}")
        if max_rate is not None and not math.isfinite(positive_number(max_rate, "max_rate")):
            raise ValueError(f"max_rate must be a number of updates per second, not {max_rate!r}")
        if isinstance(columns, str):
            raise TypeError(f"columns must be a list of names: [{columns!r}]")
        return cls(
            policy,
            None if max_rate is None else float(max_rate),
            None if slice is None else _format_index(slice, ndim),
            None if columns is None else _columns(columns),
            None if reduce is None else Reduction.parse(reduce).text,
            None if roi is None else _format_regions(roi),
            None if accept_encoding is None else decodable_encodings(accept_encoding),
        )

    def __bool__(self) -> bool:
        """Return whether the server has to support any of them; other servers compress nothing."""
        plain = replace(self, accept_encoding=None)
        return plain not in (SubscriptionOptions(), SubscriptionOptions(policy="block"))

    @property
    def is_filtered(self) -> bool:
        """True if updates may be left out because no part of them was requested."""
        parts = (self.slice, self.columns, self.reduce, self.roi)
        return any(part is not None for part in parts)

    def to_params(self) -> dict[str, Any]:
        """Return the parameters of a request to subscribe, without those that are None."""
        return _given(
            policy=self.policy,
            max_rate=self.max_rate,
            slice=self.slice,
            columns=None if self.columns is None else list(self.columns),
            reduce=self.reduce,
            roi=self.roi,
            accept_encoding=self.accept_encoding and ",".join(self.accept_encoding),
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
        if start is not None and not (isinstance(start, str) and start == "latest"):
            start = _sequence_number(start)
        return cls(start, None if start_time is None else format_start_time(start_time), epoch)

    def to_params(self) -> dict[str, Any]:
        """Return the parameters of a request to subscribe, without those that are None."""
        return _given(start=self.start, start_time=self.start_time, epoch=self.epoch)


def format_start_time(time: StartTime) -> str:
    """Format as ISO 8601 in UTC; naive datetimes are local time, numbers seconds since 1970."""
    if not isinstance(time, datetime):
        if isinstance(time, bool) or not isinstance(time, int | float):
            raise TypeError(f"start_time must be a datetime, or seconds since 1970, not {time!r}")
        try:
            time = datetime.fromtimestamp(time, UTC)
        except (ValueError, OverflowError, OSError):
            raise ValueError(f"start_time must be seconds since 1970, not {time!r}") from None
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


def _sequence_number(start: object) -> int:
    try:
        return whole_number(start, "start", minimum=0)
    except (TypeError, ValueError):
        raise ValueError(
            f"start must be 0 (the oldest retained), a sequence number or 'latest', not {start!r}"
        ) from None


def _columns(columns: Sequence[str]) -> tuple[str, ...]:
    names = tuple(names_of(columns, "columns"))
    if not names:
        raise ValueError("columns must not be empty: leave it out for all columns")
    return names


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
            f"invalid slice {index!r}: the slice of a stream consists of non-negative integers and "
            "of start:stop:step with non-negative bounds and a step of 1 or more"
        )
    return format_slice(items)


def _format_regions(roi: Any) -> str:
    """Return the canonical text of regions. Raises ValueError, IndexError."""
    if not isinstance(roi, str):
        regions = roi if isinstance(roi, list) else [roi]
        roi = ";".join(
            format_slice(expand_index(region, len(region) if isinstance(region, tuple) else 1))
            for region in regions
        )
    return RegionsOfInterest.parse(roi.replace(" ", "")).text


def _counts_from_the_end(item: Item) -> bool:
    # An array may grow while it is streamed, so indices cannot count from its end.
    if isinstance(item, int):
        return item < 0
    return any((n or 0) < 0 for n in (item.start, item.stop)) or (
        item.step is not None and item.step < 1
    )
