"""The replies to a producer: that a node is open, what was applied, and what failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiled_client.wire.ingest import ReplyType

from .opened_nodes import BatchOutcome, OpenedNode


def opened_reply(handle: int, node: OpenedNode) -> dict[str, Any]:
    """Return the reply that a node is open."""
    return {
        "type": ReplyType.opened.value,
        "handle": handle,
        "path": node.path,
        "uuid": str(node.uuid),
        "structure_family": node.family.value,
        "structure": node.structure.to_json() if node.structure else None,
        "applied": node.applied,
    }


def outcome_replies(handle: int, outcome: BatchOutcome) -> Iterator[dict[str, Any]]:
    """Yield a reply for each frame that failed, then the acknowledgement."""
    for sequence, failure in outcome.failed:
        reply: dict[str, Any] = {
            "type": ReplyType.error.value,
            "handle": handle,
            "sequence": sequence,
            "stopped": outcome.stopped and sequence == outcome.failed[-1].sequence,
            "status": failure.status,
            "detail": failure.detail,
        }
        if failure.code is not None:
            reply["code"] = failure.code
        if failure.retry_after is not None:
            reply["retry_after"] = failure.retry_after
        yield reply
    head = outcome.head
    position = {"epoch": head.epoch, "sequence": head.position.sequence} if head else {}
    yield {
        "type": ReplyType.ack.value,
        "handle": handle,
        "applied": outcome.applied,
        **position,
    }
