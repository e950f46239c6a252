"""What all updates have, and how each kind of message finds its class.

A new kind of update is a class here beside, and a function marked with `@builds("its-type")` that
makes one of a message; the module is then named in `__init__`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...errors import InvalidResponse
from ...uris import Path
from ..protocol.messages import Envelope, Map, Schema
from ..protocol.origin import EventOrigin, UpdateContext

if TYPE_CHECKING:
    from ...nodes import Node

Common = dict[str, Any]
"""The arguments that every update takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """One change of a node.

    `sequence` counts the changes from 1; `timestamp` has a zone; `epoch` names the run of the
    numbering, where the server says it. `missed` says how many updates directly before this one
    did not come, because of a gap (see `sub.gap`).

        >>> with x.updates(start=0) as updates:
        ...     update = next(updates)
        >>> update.sequence, update.missed, update.path[-1], update.node
        (1, 0, 'x', <ArrayClient shape=(3,) chunks=((3,)) dtype=int64>)
    """

    topic: ClassVar[str]

    sequence: int
    timestamp: datetime
    epoch: str | None
    missed: int = 0
    origin: EventOrigin = field(repr=False, compare=False)

    @property
    def subscription(self) -> Any:
        """The subscription that handed this out."""
        return self.origin.subscription

    @property
    def path(self) -> Path:
        """The keys that lead from the root to the node that changed."""
        return self.origin.path

    @property
    def node(self) -> Node:
        """The client object of the node that changed.

        With `recursive`, the server may have to be asked for it, once for each node.
        """
        return self.origin.node


Build = Callable[[Map, Schema, Common], Update]
BUILDERS: dict[str, Build] = {}


def builds(kind: str) -> Callable[[Build], Build]:
    """Mark the function that makes an update of a message of the type `kind`."""

    def register(build: Build) -> Build:
        BUILDERS[kind] = build
        return build

    return register


def parse_update(
    message: Map, envelope: Envelope, schema: Schema, context: UpdateContext
) -> Update | None:
    """Build the update that a message tells of; None for a type that is not known here.

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
            f"Update {envelope.sequence} ({envelope.type}) lacks something: {error!r}"
        ) from error


def dtype_of(schema: Schema) -> np.dtype[Any]:
    """The dtype that the schema told of. Raises InvalidResponse."""
    if schema.data_type is None:
        raise InvalidResponse(f"Numbers came on a stream that began with {schema.type!r}.")
    return schema.data_type.to_numpy()
