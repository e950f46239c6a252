"""Client objects of nodes for asyncio, one class per structure family."""

from .base import AsyncNode
from .container import AsyncContainer
from .data import (
    AsyncArrayClient,
    AsyncAwkwardClient,
    AsyncBytesClient,
    AsyncRaggedClient,
    AsyncSparseClient,
    AsyncTableClient,
)

__all__ = [
    "AsyncArrayClient",
    "AsyncAwkwardClient",
    "AsyncBytesClient",
    "AsyncContainer",
    "AsyncNode",
    "AsyncRaggedClient",
    "AsyncSparseClient",
    "AsyncTableClient",
]
