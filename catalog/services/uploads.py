"""Uploads: request bodies to store, or only to stream."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.errors import Conflict
from core.mapped_files import BytesLike
from tiled_client.wire.encodings import PayloadEncoding

from .idempotency import IdempotencyKey


@dataclass(frozen=True, slots=True)
class Upload:
    """The body of a write request, to store (`persist`) or only to stream.

    `idempotency_key` makes a stored write idempotent, however often the request arrives. `token`
    identifies a write that is only streamed. `node` is the node that the client means by the path.
    `encoding` is how the numbers of a dense array are encoded in the body.
    """

    body: BytesLike
    mimetype: str
    persist: bool
    idempotency_key: IdempotencyKey | None = None
    token: str = ""
    node: UUID | None = None
    encoding: PayloadEncoding = PayloadEncoding.identity

    def check_node(self, found: UUID) -> None:
        """Raise Conflict if the node at the path is not the one that the client means."""
        check_replaced(self.node, found)

    @property
    def content(self) -> bytes:
        """The whole body, in memory."""
        return bytes(self.body)


def check_replaced(expected: UUID | None, found: UUID) -> None:
    """Raise Conflict if another node has the path of the `expected` one, if any is expected."""
    if expected is not None and found != expected:
        raise Conflict(
            "Another node has this path since the one that was opened was replaced.",
            code="node_replaced",
        )
