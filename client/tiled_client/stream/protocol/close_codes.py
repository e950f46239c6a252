"""Close codes of a stream: a regular end, a final error, or a loss to recover from. No I/O."""

from __future__ import annotations

from ...errors import (
    BadRequest,
    FailureCause,
    InvalidResponse,
    NodeDeleted,
    NodeNotFound,
    RequestRejected,
    StreamLost,
    TiledClientError,
    TransportError,
    Unauthorized,
)
from ...http.error_responses import in_python

PRODUCER_ENDED = 1000
NO_CLOSE_FRAME = 1006
NODE_DELETED_REASON = "Node deleted"

FINAL_CODES: dict[int, type[RequestRejected]] = {
    4000: BadRequest,
    4001: Unauthorized,
    4003: Unauthorized,
    4004: NodeNotFound,
    4010: NodeDeleted,
}


def error_for_close(code: int, reason: str) -> TiledClientError | None:
    """Return the error that a close code means; None if the producer ended the stream."""
    if code == PRODUCER_ENDED:
        # Servers send it to clients that did not announce that they know 4010.
        return NodeDeleted(reason, status=code) if reason == NODE_DELETED_REASON else None
    if code in FINAL_CODES:
        sentence = in_python(reason) or "The server closed the stream."
        return FINAL_CODES[code](sentence, status=code)
    return StreamLost(reason or "The connection to the stream was lost.", status=code)


def is_final(error: TiledClientError) -> bool:
    """Return whether reconnecting would meet the same error."""
    if isinstance(error, TransportError):
        return error.cause is FailureCause.tls
    return isinstance(error, (RequestRejected, InvalidResponse))
