"""The subscriptions of a connection for many nodes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...reading.entries import EncodedMessage
from ...reading.subscriber import Subscriber
from ..connections.authorization import Watched
from ..connections.permission_watch import Onlooker
from ..messages.renderer import Rendering
from ..messages.visibility import Sight

if TYPE_CHECKING:
    from .subtree import Tree


@dataclass(slots=True, eq=False)
class Line:
    """What a client asked for under one id: a node, or with a `tree` all below it, too.

    Nothing is said of its members before it has `begun`.
    """

    id: str
    path: str
    members: dict[str, Member] = field(default_factory=dict)
    tree: Tree | None = None
    begun: bool = True
    over: bool = False


@dataclass(slots=True, eq=False)
class Member:
    """One node of a line. `first` is what is said before all else: its schema.

    `lost` is one that its client may not see any more, and is about to be told is gone.
    """

    line: Line
    path: str
    watched: Watched
    subscriber: Subscriber
    rendering: Rendering
    prefix: bytes
    sight: Sight | None = None
    onlooker: Onlooker | None = None
    first: EncodedMessage | None = None
    waiter: asyncio.Future[None] | None = None
    lost: bool = False
    gone: bool = False
