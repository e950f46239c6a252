"""Request IDs, in responses and log lines.

16 hexadecimal digits; an ID of the client is accepted only if it is a random UUID (version 4).
Source: docs/reference/tiled-protocol/http.md, "Response headers".
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterable
from contextvars import ContextVar

HEADER = "X-Tiled-Request-ID"
NAME = HEADER.lower().encode()
UUID4 = re.compile(
    rb"[0-9a-f]{8}(-?)[0-9a-f]{4}\1(?:4[0-9a-f]{3})\1[89ab][0-9a-f]{3}\1[0-9a-f]{12}", re.IGNORECASE
)

current: ContextVar[str] = ContextVar("request_id", default="")
"""The name of the request that this thread works on; empty where there is none."""


def request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """Return the ID of a request with these headers."""
    for name, value in headers:
        if name == NAME and UUID4.fullmatch(value):
            return value.decode()
    return secrets.token_hex(8)


class RequestIdLogFilter(logging.Filter):
    """Gives log records the attribute `request_name`: ` [ID]`, or an empty text.

    A record that already has one, of the access log, keeps it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        if not hasattr(record, "request_name"):
            name = current.get()
            record.request_name = f" [{name}]" if name else ""
        return True
