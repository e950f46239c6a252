"""Which answers say no, and what each means; made from the trees of errors."""

from __future__ import annotations

from access import errors
from access.errors import ServiceError

from ..errors import STORAGE_STATUS


def meanings() -> dict[int, str]:
    """A text for each status that a request can be refused with, in order."""
    told: dict[int, list[str]] = {}
    for kind in ServiceError.__subclasses__():
        if kind.__module__ == errors.__name__:
            told.setdefault(kind.status, []).append(_first_line(kind))
    for stored, status in STORAGE_STATUS.items():
        told.setdefault(status, []).append(_first_line(stored))
    told.setdefault(413, []).append("The body is larger than the setting server.largest_body.")
    return {status: " ".join(dict.fromkeys(texts)) for status, texts in sorted(told.items())}


def _first_line(kind: type[Exception]) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]
