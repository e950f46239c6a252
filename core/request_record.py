"""What is known of the current request, for log lines: its ID, client, principal and route.

The ASGI application creates the record and keeps it in the scope; the thread or task that works on
the request finds it in `current`, and adds the principal once that is authenticated.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

SCOPE_KEY = "tiled.request_record"


@dataclass(slots=True)
class RequestRecord:
    """A request or a WebSocket. The `path` is without the query, which may contain keys."""

    request_id: str
    method: str
    path: str
    address: str = ""
    principal: str = ""
    route: str = ""
    handling_seconds: float = 0.0
    """How long the server worked on it: without the time in which a body arrives."""
    find_principal: Callable[[], str] | None = None
    """Finds the principal of a page, which is not loaded unless something needs it."""

    def known_principal(self) -> str:
        """Return the principal; empty if there is none, or it is not authenticated yet."""
        if not self.principal and self.find_principal is not None:
            self.principal = self.find_principal()
        return self.principal


current: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)


def note_principal(name: str) -> None:
    """Record the principal of the current request, if there is one."""
    record = current.get()
    if record is not None:
        record.principal = name
