"""Close a stream, as its producer declares."""

from __future__ import annotations

from ...events import StreamClosed, announce
from ...locks.node_locks import node_lock
from ...lookup.nodes import resolve, split_path
from ...lookup.parts import parts_refused


def close_stream(*, path: str, token: str = "") -> None:
    """Announce that no more updates are expected from this node for now.

    A stream that was closed under `token` is not closed again under it: its producer, or
    another, may have continued to write since.

    Raises NotFound, NotSupported (a column of a table).
    """
    segments = split_path(path)
    with node_lock("/".join(segments)), parts_refused(segments, "closing a stream"):
        announce(StreamClosed(resolve(segments).ref, token=token))
