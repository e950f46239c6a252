"""Commands that the engine yields, for a driver to execute. No I/O.

A driver executes a command and sends back its result, or throws the exception that it met.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .subscription_state import Delivery

NORMAL_CLOSURE = 1000
INTERNAL_ERROR = 1011


class Stopped(Exception):
    """Thrown into the engine by a driver that was cancelled while it executed a command."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a WebSocket. The engine sends the next one after a `Close` only."""

    url: str
    headers: dict[str, str] = field(repr=False)
    subprotocols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Send a text message."""

    text: str


@dataclass(frozen=True, slots=True)
class Receive:
    """Receive a message, the result; None if none arrives within `timeout` seconds."""

    timeout: float


@dataclass(frozen=True, slots=True)
class Ping:
    """Send a ping. The result is a function that returns whether the pong has arrived."""


@dataclass(frozen=True, slots=True)
class Close:
    """Close the WebSocket, if there is one."""

    code: int = NORMAL_CLOSURE


@dataclass(frozen=True, slots=True)
class Deliver:
    """Put an event into the inbox. The result is False if the inbox is closed."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait, unless stopped."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RunBlocking:
    """Call a function that may send requests, and return its result."""

    function: Callable[[], Any]


Command = Connect | Send | Receive | Ping | Close | Deliver | Sleep | RunBlocking
