"""Reasons for the end of a subscription, and the WebSocket close codes that report them. No I/O.

Source: docs/reference/tiled-protocol/streaming.md, section
`start`, sequence numbers, end of stream.
"""

from __future__ import annotations

from enum import Enum


class StreamEnd(Enum):
    """Reason why a stream ends for its subscribers; the value is the text of the close frame."""

    CLOSED = "Producer ended stream"
    DELETED = "Node deleted"
    LOST = "Live subscription lost"


CLOSE_CODES = {StreamEnd.CLOSED: 1000, StreamEnd.DELETED: 1000, StreamEnd.LOST: 1012}
# For clients that announced the feature `child-deleted`. Clients that do not know this code would
# take it for a failure and reconnect in a loop.
GONE_CODE = 4010


class StreamEnded(Exception):
    """The subscription delivers nothing more."""

    def __init__(self, ending: StreamEnd) -> None:
        super().__init__(ending.value)
        self.ending = ending
