"""Uploads: request bodies to store or to stream."""

from __future__ import annotations

from dataclasses import dataclass

from core.mapped_files import BytesLike

from .idempotency import Once


@dataclass(frozen=True, slots=True)
class Upload:
    """What a request brings: bytes of a media type, to be kept or only passed on.

    What is to be kept is so `once`, however often the request arrives; what is only passed on is
    known to the stream by its `token`.
    """

    body: BytesLike
    mimetype: str
    persist: bool
    once: Once | None = None
    token: str = ""

    @property
    def content(self) -> bytes:
        """All of the body, in memory."""
        return bytes(self.body)
