"""Uploads: request bodies to store, or only to stream."""

from __future__ import annotations

from dataclasses import dataclass

from core.mapped_files import BytesLike

from .idempotency import IdempotencyKey


@dataclass(frozen=True, slots=True)
class Upload:
    """The body of a write request, to store (`persist`) or only to stream.

    `once` makes a stored write idempotent, however often the request arrives. `token`
    identifies a write that is only streamed.
    """

    body: BytesLike
    mimetype: str
    persist: bool
    once: IdempotencyKey | None = None
    token: str = ""

    @property
    def content(self) -> bytes:
        """The whole body, in memory."""
        return bytes(self.body)
