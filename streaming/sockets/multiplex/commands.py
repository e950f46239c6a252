"""Parse the commands of a client on a connection for many nodes. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgpack
import orjson

from catalog.lookup.nodes import split_path

from ...protocol.notices import Feature
from ...protocol.subscription_options import InvalidOptions, SubscriptionOptions

MAX_ID_CHARACTERS = 64


class InvalidCommand(Exception):
    """A message that is not a valid command; `id` is that of the command if it has one."""

    def __init__(self, detail: str, subscription_id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.id = subscription_id


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe as `id` to the node at `path`, and if `recursive` to all nodes below it.

    `max_unacknowledged` is 0 if the client does not acknowledge updates.
    """

    id: str
    path: list[str]
    options: SubscriptionOptions
    recursive: bool
    max_unacknowledged: int = 0


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """End the subscription `id`."""

    id: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Report that the client has processed another `updates` updates of the subscription `id`."""

    id: str
    updates: int


@dataclass(frozen=True, slots=True)
class Time:
    """Reply with the time of the server's clock; `id` is that of no subscription."""

    id: str


Command = Subscribe | Unsubscribe | Acknowledge | Time


def parse_command(text: str | None, octets: bytes | None, features: frozenset[Feature]) -> Command:
    """Parse a text message (JSON) or a binary one (msgpack). Raises InvalidCommand."""
    message = _decode(text, octets)
    if not isinstance(message, dict):
        raise InvalidCommand("A message must be a map with type and id.")
    subscription_id = message.get("id")
    if not isinstance(subscription_id, str) or not 0 < len(subscription_id) <= MAX_ID_CHARACTERS:
        raise InvalidCommand(
            f"id must be a string of 1 to {MAX_ID_CHARACTERS} characters, not {subscription_id!r}."
        )
    match message.get("type"):
        case "subscribe":
            return _parse_subscribe(subscription_id, message, features)
        case "unsubscribe":
            return Unsubscribe(subscription_id)
        case "ack":
            updates = _positive(subscription_id, message, "updates")
            return Acknowledge(subscription_id, updates or 1)
        case "time":
            return Time(subscription_id)
        case other:
            raise InvalidCommand(
                f"type must be subscribe, unsubscribe, ack or time, not {other!r}."
            )


def _decode(text: str | None, octets: bytes | None) -> Any:
    try:
        if text is not None:
            # Rejects lone surrogates, which could not be sent back in an answer.
            return orjson.loads(text)
        return msgpack.unpackb(octets or b"")
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise InvalidCommand("A message must be JSON, or msgpack in a binary frame.") from error


def _parse_subscribe(
    subscription_id: str, message: dict[str, Any], features: frozenset[Feature]
) -> Subscribe:
    path, recursive = message.get("path"), message.get("recursive", False)
    if not isinstance(path, str):
        raise InvalidCommand(f"path must be a string, not {path!r}.", subscription_id)
    if not isinstance(recursive, bool):
        raise InvalidCommand(
            f"recursive must be true or false, not {recursive!r}.", subscription_id
        )
    try:
        options = SubscriptionOptions.parse(message, features)
    except InvalidOptions as error:
        raise InvalidCommand(error.detail, subscription_id) from error
    limit = _positive(subscription_id, message, "max_unacknowledged")
    if limit and not options.latest_only:
        raise InvalidCommand(
            "max_unacknowledged needs policy=latest or max_rate: else no update may be skipped.",
            subscription_id,
        )
    if recursive:
        if options.filters or limit:
            raise InvalidCommand(
                "recursive cannot be combined with slice, columns, reduce, roi or "
                "max_unacknowledged.",
                subscription_id,
            )
        # An epoch and the ends counted in it belong to one node.
        options = replace(options, epoch=None, end=0, recursive=True)
    return Subscribe(subscription_id, split_path(path), options, recursive, limit)


def _positive(subscription_id: str, message: dict[str, Any], name: str) -> int:
    """Return a positive integer of a message; 0 if there is none."""
    value = message.get(name)
    if value is None:
        return 0
    # To Python, True is the integer 1.
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InvalidCommand(f"{name} must be a positive integer, not {value!r}.", subscription_id)
    return value
