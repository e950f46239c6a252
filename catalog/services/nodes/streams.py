"""Close a stream, as its producer declares."""

from __future__ import annotations

from uuid import UUID

from ...events import StreamClosed, announce
from ...locks.node_locks import node_lock
from ...lookup.nodes import resolve, split_path
from ...lookup.parts import reject_sub_node
from ..uploads import check_replaced


def close_stream(*, path: str, token: str = "", node: UUID | None = None) -> None:
    """Announce that no more updates are expected from this node for now.

    A stream that was closed under `token` is not closed again under it: its producer, or
    another, may have continued to write since.

    Raises NotFound, NotSupported (a column of a table), Conflict (another than the given `node`).
    """
    segments = split_path(path)
    with node_lock("/".join(segments)), reject_sub_node(segments, "closing a stream"):
        found = resolve(segments)
        check_replaced(node, found.uuid)
        announce(StreamClosed(found.ref, token=token))
