"""The end of a stream, as its producer declares it."""

from __future__ import annotations

from ..events import StreamClosed, announce
from ..locks import node_lock
from ..nodes import resolve, split_path


def close_stream(*, path: str) -> None:
    """Say that no more is to be expected from this node for now. Raises NotFound."""
    with node_lock("/".join(split_path(path))):
        announce(StreamClosed(resolve(path).ref))
