"""The stream of a node, as it is shown to whoever inspects the node."""

from __future__ import annotations

from catalog.models import Node
from catalog.panels import Rows, register

from .status import StreamStatus, stream_status


def register_panel() -> None:
    """Let the catalog show a panel about streams."""
    register("Stream", _describe)


def _describe(node: Node) -> Rows:
    """The state of the node's stream. Raises Unavailable."""
    status = stream_status(node.uuid)
    return {
        "State": _state(status),
        "Last sequence": status.last_sequence,
        "Retained": _retained(status),
        "Last update": status.last_update or "none",
        "Epoch": status.epoch or "none",
        "Subscribers now": status.subscribers,
    }


def _state(status: StreamStatus) -> str:
    if status.epoch is None:
        return "nothing was streamed yet"
    return "closed" if status.closed else "open"


def _retained(status: StreamStatus) -> str:
    if status.oldest_sequence is None:
        return "nothing"
    return f"{status.oldest_sequence} to {status.last_sequence} ({status.retained} in all)"
