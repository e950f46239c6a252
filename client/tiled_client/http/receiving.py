"""Responses of `requests` whose body is received into given memory, without a copy."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPResponse
from typing import Any


class ReceivingResponse(HTTPResponse):
    """A response that reads into memory which `next_memory` returns for a number of bytes.

    The bytes that it returns are a view of that memory. Where it returns an empty view, bytes are
    read as usual.
    """

    next_memory: Callable[[int], memoryview] | None = None

    def read1(self, n: int = -1) -> Any:
        """Read up to `n` bytes."""
        memory = self.next_memory(n) if self.next_memory is not None and n > 0 else None
        if not memory:
            return super().read1(n)
        return memory[: self.readinto(memory)]


def receive_into(raw: Any, next_memory: Callable[[int], memoryview]) -> None:
    """Let a response of urllib3 be received into memory, if its connection is one of this client.

    Connections through a SOCKS proxy are not.
    """
    response = getattr(raw, "_original_response", None)
    if isinstance(response, ReceivingResponse):
        response.next_memory = next_memory
