"""Admin panel of a node that shows its stream."""

from __future__ import annotations

from catalog.admin.panels import PanelRows, register
from catalog.models import Node
from core.errors import Unavailable
from core.text import format_count, format_size, format_time

from .status import StreamStatus, stream_status
from .writing import outbox
from .writing.outbox import Backlog


def register_panel() -> None:
    """Register the panel with the catalog's admin pages."""
    register("Stream", _describe)


def _describe(node: Node) -> PanelRows:
    """Return the state of the node's stream, and its outbox. Raises Unavailable."""
    backlog = outbox.backlog(node.uuid)
    try:
        status = stream_status(node.uuid)
    except Unavailable as error:
        if backlog.count:
            return {"State": error.detail, "Waiting": _waiting(backlog)}
        raise
    return {
        "State": _state(status),
        "Last sequence": status.last_sequence,
        "Retained": _retained(status),
        "Last update": status.last_update or "none",
        "Epoch": status.epoch or "none",
        "Subscribers now": status.subscribers,
        **({"Waiting": _waiting(backlog)} if backlog.count else {}),
    }


def _waiting(backlog: Backlog) -> str:
    much = f"{format_count(backlog.count, 'update')}, {format_size(backlog.size)}"
    return f"{much}, since {format_time(backlog.since)}" if backlog.since else much


def _state(status: StreamStatus) -> str:
    if status.epoch is None:
        return "nothing was streamed yet"
    return "closed" if status.closed else "open"


def _retained(status: StreamStatus) -> str:
    if status.oldest_sequence is None:
        return "nothing"
    return f"{status.oldest_sequence} to {status.last_sequence} ({status.retained} in all)"
