"""Parse the options of a subscription: start position, filters, rate and announced features.

Source: docs/reference/tiled-protocol/streaming.md, Query parameters. All but `start` extend it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeVar

from core.errors import BadRequest
from tiled_client.wire.encodings import PayloadEncoding
from tiled_client.wire.errors import WireError
from tiled_client.wire.reductions import Reduction
from tiled_client.wire.roi import RegionsOfInterest
from tiled_client.wire.slices import Item, NDSlice, parse_slice

from .notices import Feature

NON_NEGATIVE_INTEGER = re.compile(r"[0-9]{1,19}")
MAX_NUMBER = 2**63 - 1
POLICIES = ("block", "latest")
Parsed = TypeVar("Parsed")


class InvalidOptions(BadRequest):
    """An option is invalid or unsupported. Tiled rejects a bad query with 403."""

    status = 403


Start = int | Literal["latest"] | None


@dataclass(frozen=True, slots=True)
class SubscriptionOptions:
    """The options of one subscription.

    `since` is in milliseconds since 1970, `interval` in seconds. With `recursive`, `start` applies
    to many nodes and may lie beyond the head of some of them. Payloads in one of `encodings` are
    sent as they are.
    """

    start: Start = None
    since: int | None = None
    epoch: str | None = None
    end: int = 0
    features: frozenset[Feature] = frozenset()
    latest: bool = False
    interval: float = 0.0
    items: NDSlice | None = None
    columns: tuple[str, ...] | None = None
    reduction: Reduction | None = None
    roi: RegionsOfInterest | None = None
    recursive: bool = False
    encodings: frozenset[PayloadEncoding] = frozenset()

    @classmethod
    def parse(cls, params: Mapping[str, Any], features: frozenset[Feature]) -> SubscriptionOptions:
        """Parse the parameters of a query or a message. Raises InvalidOptions."""
        start, since = _start(params.get("start")), _moment(params.get("start_time"))
        if start is not None and since is not None:
            raise InvalidOptions("start and start_time cannot be combined. Send one of them.")
        epoch = params.get("epoch") or None
        if epoch is not None and not isinstance(epoch, str):
            raise InvalidOptions(f"epoch must be a string, not {epoch!r}.")
        return cls(
            start=start,
            since=since,
            epoch=epoch,
            end=_number(params, "end") or 0,
            features=features,
            latest=_policy(params.get("policy")) == "latest",
            interval=_interval(params.get("max_rate")),
            items=_items(params.get("slice")),
            columns=_columns(params.get("columns")),
            reduction=_parsed(params, "reduce", Reduction.parse),
            roi=_parsed(params, "roi", RegionsOfInterest.parse),
            encodings=_encodings(params.get("accept_encoding")),
        )

    @property
    def latest_only(self) -> bool:
        """Whether the subscriber gets only the newest of several pending updates."""
        return self.latest or self.interval > 0

    @property
    def filters(self) -> list[str]:
        """The names of the parameters that ask for a part of each update, or for a summary."""
        given = {
            "slice": self.items,
            "columns": self.columns,
            "reduce": self.reduction,
            "roi": self.roi,
        }
        return [name for name, value in given.items() if value is not None]


LIVE = SubscriptionOptions()


def read_features(text: Any) -> frozenset[Feature]:
    """Parse a comma-separated list of features; ignore unknown ones, which newer clients send."""
    names = {name.strip() for name in text.split(",")} if isinstance(text, str) else set()
    return frozenset(feature for feature in Feature if feature in names)


def _start(value: Any) -> Start:
    if value is None or value == "next":
        return None  # only updates written from now on
    if value == "latest":
        return "latest"
    number = _whole(value)
    if number is None:
        raise InvalidOptions(
            "start must be a sequence number, 0 for the oldest update retained, latest, or next, "
            f"not {value!r}."
        )
    return number


def _number(params: Mapping[str, Any], name: str) -> int | None:
    value = params.get(name)
    if value is None:
        return None
    number = _whole(value)
    if number is None:
        raise InvalidOptions(f"{name} must be a non-negative integer, not {value!r}.")
    return number


def _whole(value: Any) -> int | None:
    """Return `value`, a number or its text, as an integer; None if it is not one from 0 on."""
    if isinstance(value, str) and NON_NEGATIVE_INTEGER.fullmatch(value):
        value = int(value)
    # To Python, True is the integer 1.
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_NUMBER
    return value if whole else None


def _moment(value: Any) -> int | None:
    """Parse ISO 8601 with a time zone, or seconds since 1970, as milliseconds since 1970."""
    if value is None:
        return None
    try:
        seconds = _seconds(value)
        if math.isfinite(seconds) and abs(seconds) < MAX_NUMBER / 1000:
            # Redis records the time of an update in milliseconds, rounded down. The same here, so
            # that the timestamp of an update finds that update.
            return math.floor(seconds * 1000)
    except (ValueError, TypeError, OverflowError):
        pass
    raise InvalidOptions(
        "start_time must be seconds since 1970, or an ISO 8601 time with its time zone, such as "
        f"2026-01-02T03:04:05Z, not {value!r}."
    )


def _seconds(value: Any) -> float:
    try:
        return float(value)
    except ValueError:
        # In a query, an unescaped plus arrives as a space.
        moment = datetime.fromisoformat(str(value).replace(" ", "+"))
        if moment.tzinfo is None:
            raise
        return moment.timestamp()


def _policy(value: Any) -> str:
    if value is not None and value not in POLICIES:
        raise InvalidOptions(f"policy must be block or latest, not {value!r}.")
    return value or "block"


def _interval(value: Any) -> float:
    """Return the seconds between two updates from a rate per second; 0 without a limit."""
    if value is None:
        return 0.0
    try:
        rate = float(value)
    except (ValueError, TypeError):
        rate = 0.0
    if not (rate > 0 and math.isfinite(rate)):
        raise InvalidOptions(
            f"max_rate must be a positive number of updates per second, not {value!r}."
        )
    return 1 / rate


def _encodings(text: Any) -> frozenset[PayloadEncoding]:
    """Parse a comma-separated list; ignore unknown names, which newer clients send."""
    if text is not None and not isinstance(text, str):
        raise InvalidOptions(f"accept_encoding must be a string such as lz4,zstd, not {text!r}.")
    names = {name.strip() for name in (text or "").split(",")}
    return frozenset(encoding for encoding in PayloadEncoding if encoding in names)


def _items(text: Any) -> NDSlice | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidOptions(f"slice must be a string such as ::4,::4, not {text!r}.")
    try:
        items = parse_slice(text)
    except WireError as error:
        raise InvalidOptions(f"slice is invalid. {error}") from error
    if not all(map(_is_stable, items)):
        raise InvalidOptions(
            f"slice must have no negative bounds and only positive steps, not {text!r}."
        )
    return items


def _parsed(params: Mapping[str, Any], name: str, parse: Callable[[str], Parsed]) -> Parsed | None:
    text = params.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidOptions(f"{name} must be a string, not {text!r}.")
    try:
        return parse(text)
    except WireError as error:
        raise InvalidOptions(str(error)) from error


def _is_stable(item: Item) -> bool:
    """Return whether the slice selects the same elements while the array grows."""
    if isinstance(item, int):
        return item >= 0
    bounds = [bound for bound in (item.start, item.stop) if bound is not None]
    return min(bounds, default=0) >= 0 and (item.step is None or item.step >= 1)


def _columns(names: Any) -> tuple[str, ...] | None:
    if names is None:
        return None
    named = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not named or not names or len(set(names)) < len(names):
        raise InvalidOptions(
            f"columns must be a list of at least one column name, each once, not {names!r}."
        )
    return tuple(names)
