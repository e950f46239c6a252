"""Base classes of updates, and the class for each type of message.

To add a kind of update, write a class in a module of this package and a function marked with
`@builds("its-type")` that makes one of a message, and import the module in `__init__`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import numpy as np

from ...errors import InvalidResponse
from ...uris import Path
from ...wire.dtypes import dtype_from_json
from ..protocol.event_origin import EventOrigin, UpdateContext
from ..protocol.messages import Envelope, Map, Schema

Common = dict[str, Any]
"""The arguments that every update takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One change of a node.

    `sequence` counts the changes from 1; `timestamp` has a time zone; `epoch` is the run of the
    numbering, if the server names it. `missed` is the number of updates directly before this one
    that are missing because of a gap (see `sub.gap`).

    Examples
    --------
    >>> with x.updates(start=0) as updates:
    ...     update = next(updates)
    >>> update.sequence, update.missed, update.path[-1], update.node
    (1, 0, 'x', <ArrayClient '/.../x' shape=(3,) chunks=((3,)) dtype=int64>)
    """

    topic: ClassVar[str]

    sequence: int
    timestamp: datetime
    epoch: str | None
    missed: int = 0
    origin: EventOrigin = field(repr=False, compare=False)

    @property
    def subscription(self) -> Any:
        """The subscription that received it."""
        return self.origin.subscription

    @property
    def path(self) -> Path:
        """The keys from the root to the node that changed."""
        return self.origin.path

    @property
    def node(self) -> Any:
        """The client object of the node that changed.

        With `recursive`, it may be fetched from the server, once for each node.
        """
        return self.origin.node


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUpdate(Update):
    """Data were written to a node."""

    topic: ClassVar[str] = "new_data"

    def data(self) -> Any:
        """Return the data that were written."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadUpdate(DataUpdate):
    """Data were written to a node, and are sent along.

    Data that are not `persisted` are stored nowhere.
    """

    mimetype: str
    payload: bytes = field(repr=False)
    persisted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayPayloadUpdate(PayloadUpdate):
    """A part of an array was written, at `offset` and of `shape`."""

    shape: tuple[int, ...]
    offset: tuple[int, ...] | None
    block: tuple[int, ...] | None
    dtype: np.dtype[Any]
    slice: str | None = None


Build = Callable[[Map, Schema, Common], Update]
BUILDERS: dict[str, Build] = {}


def builds(kind: str) -> Callable[[Build], Build]:
    """Register a function that makes an update of a message of the type `kind`."""

    def register(build: Build) -> Build:
        BUILDERS[kind] = build
        return build

    return register


def parse_update(
    message: Map, envelope: Envelope, schema: Schema, context: UpdateContext
) -> Update | None:
    """Build the update of a message, or return None for an unknown type of message.

    Raises InvalidResponse.
    """
    build = BUILDERS.get(envelope.type)
    if build is None:
        return None
    common: Common = {
        "sequence": envelope.sequence,
        "timestamp": envelope.timestamp,
        "epoch": envelope.epoch or schema.epoch,
        "missed": context.missed,
        "origin": context.origin,
    }
    try:
        return build(message, schema, common)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidResponse(
            f"Update {envelope.sequence} ({envelope.type}) is incomplete: {error!r}"
        ) from error


def payload_fields(message: Map, common: Common) -> Common:
    """Return the arguments of every `PayloadUpdate`."""
    return {
        **common,
        "mimetype": message["mimetype"],
        "payload": message.get("payload") or b"",
        "persisted": bool(message.get("persisted", True)),
    }


def dtype_of(schema: Schema, message: Map) -> np.dtype[Any]:
    """Return the dtype of an update: reduced ones say their own. Raises InvalidResponse."""
    if message.get("data_type") is not None:
        return dtype_from_json(message["data_type"]).to_numpy()
    if schema.data_type is None:
        raise InvalidResponse(f"An update has numbers, but the schema {schema.type!r} no dtype.")
    return schema.data_type.to_numpy()
