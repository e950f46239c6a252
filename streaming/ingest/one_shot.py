"""Carry out all frames in one HTTP request body, for clients without WebSockets."""

from __future__ import annotations

from typing import Any

from access.principals import Principal
from core.errors import BadRequest
from tiled_client.wire.errors import WireError
from tiled_client.wire.ingest import REQUESTS, split_frames

from ..ingest_config import ingest_settings
from .failures import describe
from .opened_nodes import (
    BatchOutcome,
    OpenedNode,
    ReceivedFrame,
    batch_length,
    due_frames,
    parse_frame,
)
from .opening import open_node
from .replies import opened_reply, outcome_replies
from .writing import write_frames


def write_body(principal: Principal, body: bytes | memoryview) -> list[dict[str, Any]]:
    """Carry out the frames in a body, and return the replies. Raises BadRequest."""
    try:
        frames = [parse_frame(frame) for frame in split_frames(body)]
    except WireError as error:
        raise BadRequest(f"Invalid frame: {error}") from error
    request = OneShotRequest(principal)
    for frame in frames:
        request.add(frame)
    request.finish()
    return request.replies


class OneShotRequest:
    """The nodes that the frames of a request have opened, and the frames that wait for each."""

    def __init__(self, principal: Principal) -> None:
        self.replies: list[dict[str, Any]] = []
        self._principal = principal
        self._settings = ingest_settings()
        self._nodes: dict[int, OpenedNode | None] = {}
        self._waiting: dict[int, list[ReceivedFrame]] = {}

    def add(self, frame: ReceivedFrame) -> None:
        """Open the node of a frame, or write the frame together with those after it."""
        handle = frame.header.handle
        if frame.header.op in REQUESTS:
            self._write(handle)
            self._open(handle, frame)
        elif handle not in self._nodes:
            raise BadRequest(f"The handle {handle} is not open: a frame must open it first.")
        else:
            waiting = self._waiting.setdefault(handle, [])
            waiting.append(frame)
            if len(waiting) >= self._settings.batch_frames:
                self._write(handle)

    def finish(self) -> None:
        """Write everything that waits."""
        for handle in list(self._waiting):
            self._write(handle)

    def _open(self, handle: int, frame: ReceivedFrame) -> None:
        try:
            node = open_node(self._principal, frame)
        except Exception as error:  # noqa: BLE001  Every failure is reported to the producer.
            outcome = BatchOutcome(0)
            outcome.fail(0, describe(error, str((frame.header.options or {}).get("path"))))
            outcome.stopped = True
            self._nodes[handle] = None
            self.replies += outcome_replies(handle, outcome)
        else:
            self._nodes[handle] = node
            self.replies.append(opened_reply(handle, node))

    def _write(self, handle: int) -> None:
        frames = self._waiting.pop(handle, [])
        while frames and (node := self._nodes[handle]) is not None:
            settings = self._settings
            count = batch_length(frames, settings.batch_frames, settings.batch_bytes)
            outcome, due = due_frames(node, frames[:count])
            if due:
                outcome = write_frames(node, due)
                node.applied = outcome.applied
            if outcome.stopped:
                self._nodes[handle] = None
            self.replies += outcome_replies(handle, outcome)
            frames = frames[count:]
