"""Admin panel of a node that shows its stream."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.admin.details import DetailTable
from catalog.admin.panels import PanelContent, WideTable, register
from catalog.models import Node
from core.errors import Unavailable
from core.text import format_count, format_size, format_time

from .status import StreamStatus, stream_status
from .subscribers import SubscriberList, list_subscribers
from .writing import outbox
from .writing.outbox import Backlog

HEADS = ("Subscriber", "Address", "Since", "Sequence", "Lag", "Endpoint", "Options")


def register_panel() -> None:
    """Register the panel with the catalog's admin pages."""
    register("Stream", _describe)


def _describe(node: Node) -> PanelContent:
    """Return the state of the node's stream, its outbox and its subscribers. Raises Unavailable."""
    backlog = outbox.backlog(node.uuid)
    try:
        status = stream_status(node.uuid)
    except Unavailable as error:
        if backlog.count:
            return PanelContent({"State": error.detail, "Waiting": _waiting(backlog)})
        raise
    found = list_subscribers(node.uuid)
    rows = {
        "State": _state(status),
        "Last sequence": status.last_sequence,
        "Retained": _retained(status),
        "Last update": status.last_update or "none",
        "Epoch": status.epoch or "none",
        "Subscribers now": status.subscribers,
        **({"Waiting": _waiting(backlog)} if backlog.count else {}),
    }
    table = _table(found, status.last_sequence) if found.listed else None
    return PanelContent(rows, wide=WideTable("Subscribers", table, " ".join(_notes(found))))


def _table(found: SubscriberList, head: int) -> DetailTable:
    rows = [
        [
            one.principal,
            one.address,
            format_time(one.since) if one.since else "",
            f"{one.sequence:,}",
            # The head was read before the subscribers moved on.
            f"{max(head - one.sequence, 0):,}",
            one.endpoint,
            one.options,
        ]
        for one in found.listed
    ]
    return DetailTable([*HEADS], rows)


def _notes(found: SubscriberList) -> Iterator[str]:
    if not found.count and not found.missing:
        yield "No subscribers."
    if left := found.count - len(found.listed):
        yield f"Subscribers with less lag that are not listed: {left:,}."
    if found.missing:
        yield (
            f"Server processes that did not reply in time: {found.missing:,}. Their subscribers "
            "are not listed."
        )


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
