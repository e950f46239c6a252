"""Notices of a stream besides updates, with an example of each kind."""

from __future__ import annotations

import json
from collections.abc import Iterator

from streaming.protocol.notices import Gap, Heartbeat, Notice, Reason, Reset

from .markdown import code, first_paragraph, table
from .messages import EPOCH, HOST, TIMESTAMP

KEYS = {
    "epoch": "the epoch of the numbers; null if there is none yet",
    "from": "the first missing number",
    "previous": "the epoch that the subscriber named; null if it named none. Equal to `epoch` if a "
    "replica took over that had not received the newest updates",
    "reason": "see below",
    "sequence": "the highest number of the stream",
    "to": "the last missing number",
    "uri": "URL where the data of the node can be read",
}
REASONS = {
    Reason.expired: "are older than `streaming_cache.data_ttl`",
    Reason.evicted: "were evicted before that, for lack of memory or because of "
    "`streaming_cache.stream_bytes`",
    Reason.slow: "were available when they were due, but this subscriber read too slowly",
    Reason.skipped: "were skipped by this subscriber's own `policy` or `max_rate`",
}
WHEN = {
    Gap: "Sent before the update that follows the gap.",
    Reset: "Sent after the schema if the subscriber resumed, otherwise as soon as it is noticed. "
    "The messages that follow begin with the oldest retained update.",
    Heartbeat: "Sent every `streaming_cache.heartbeat` seconds to subscribers that have received "
    "everything, while Redis is reachable. A subscriber that has received less than `sequence` "
    "has missed updates.",
}
EXAMPLES: list[Notice] = [
    Gap(EPOCH, 7, 20, Reason.expired),
    Reset(EPOCH, "9c1f04aa73f1a2be", 3),
    Heartbeat(EPOCH, 20),
]


def notices() -> Iterator[str]:
    """Return a heading for each kind, with its keys and an example."""
    for notice in EXAMPLES:
        message = notice.message(f"{HOST}/api/v1/array/full/x")
        message["timestamp"] = TIMESTAMP
        yield f"### `{message['type']}`\n"
        yield f"{first_paragraph(type(notice))} {WHEN[type(notice)]}\n"
        yield from table(["key", "meaning"], [[code(k), KEYS[k]] for k in message if k in KEYS])
        yield f"\n```json\n{json.dumps(message)}\n```\n"
        if isinstance(notice, Gap):
            rows = [[code(reason.value), REASONS[reason]] for reason in Reason]
            yield from table(["reason", "the updates"], rows)
            yield ""
