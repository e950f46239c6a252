"""What is told besides updates, with a real message of each kind."""

from __future__ import annotations

import json
from collections.abc import Iterator

from streaming.protocol.notices import Gap, Heartbeat, Notice, Reason, Reset

from .markdown import code, first_paragraph, table
from .messages import EPOCH, HOST, TIMESTAMP

KEYS = {
    "epoch": "the epoch of the numbers; null if there is none yet",
    "from": "the first number that does not come",
    "previous": "the epoch that the subscriber knew; null if it named none. The same as `epoch` if "
    "another Redis took over that had not heard of the newest updates",
    "reason": "see below",
    "sequence": "the highest number of the stream",
    "to": "the last number that does not come",
    "uri": "where all of the node can be read",
}
REASONS = {
    Reason.expired: "older than `streaming_cache.data_ttl`",
    Reason.evicted: "shed before that, for lack of memory or because of "
    "`streaming_cache.stream_bytes`",
    Reason.slow: "was there when it was due, but this subscriber read too slowly",
    Reason.skipped: "by this subscriber's own `policy` or `max_rate`",
}
WHEN = {
    Gap: "Before the update that follows the gap.",
    Reset: "When the numbering has begun anew: right after the schema if the subscriber resumed, "
    "else as soon as it is noticed. What follows begins with the oldest update retained.",
    Heartbeat: "Every `streaming_cache.heartbeat` seconds to who has been sent everything, while "
    "Redis can be reached. Who has received less than `sequence` has missed something.",
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
