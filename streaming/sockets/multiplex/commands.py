"""What a client says on a connection for several nodes. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgpack
import orjson

from catalog.lookup.nodes import split_path

from ...protocol.notices import Feature
from ...protocol.subscription_options import InvalidOptions, SubscriptionOptions

LONGEST_ID = 64


class BadControl(Exception):
    """A message that is none of those below; `id` if it at least had one."""

    def __init__(self, detail: str, name: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.id = name


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`id` is to be told of the node at `path`, and of all below it if `recursive`."""

    id: str
    path: list[str]
    terms: SubscriptionOptions
    recursive: bool


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """`id` is to be told no more."""

    id: str


def read_control(
    text: str | None, octets: bytes | None, features: frozenset[Feature]
) -> Subscribe | Unsubscribe:
    """Read a frame: JSON text, or binary msgpack. Raises BadControl with a sentence."""
    message = _decoded(text, octets)
    if not isinstance(message, dict):
        raise BadControl("A message must be a map with type and id.")
    name = message.get("id")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_ID:
        raise BadControl(f"id must be a text of 1 to {LONGEST_ID} characters, not {name!r}.")
    match message.get("type"):
        case "subscribe":
            return _subscribe(name, message, features)
        case "unsubscribe":
            return Unsubscribe(name)
        case other:
            raise BadControl(f"type must be subscribe or unsubscribe, not {other!r}.")


def _decoded(text: str | None, octets: bytes | None) -> Any:
    try:
        if text is not None:
            # Takes no half characters, with which nobody could be answered.
            return orjson.loads(text)
        return msgpack.unpackb(octets or b"")
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as error:
        raise BadControl("A message must be JSON, or msgpack in a binary frame.") from error


def _subscribe(name: str, message: dict[str, Any], features: frozenset[Feature]) -> Subscribe:
    path, recursive = message.get("path"), message.get("recursive", False)
    if not isinstance(path, str):
        raise BadControl(f"path must be a text, not {path!r}.", name)
    if not isinstance(recursive, bool):
        raise BadControl(f"recursive must be true or false, not {recursive!r}.", name)
    try:
        terms = SubscriptionOptions.parse(message, features)
    except InvalidOptions as error:
        raise BadControl(error.detail, name) from error
    if recursive:
        if terms.items is not None or terms.columns is not None:
            raise BadControl("recursive and slice or columns cannot go together.", name)
        # An epoch is one node's.
        terms = replace(terms, epoch=None, end=0, recursive=True)
    return Subscribe(name, split_path(path), terms, recursive)
