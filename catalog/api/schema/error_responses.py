"""Descriptions of the error statuses, generated from the exception classes."""

from __future__ import annotations

from core import errors
from core.errors import ServiceError

from ..storage_statuses import STORAGE_STATUS

ADVICE = {
    400: "Correct the request as `detail` describes.",
    401: "Send a valid key or token with the scopes that `WWW-Authenticate` lists.",
    403: "Ask an administrator, or the owner of the node, for permission.",
    404: "Check the path, and that the endpoint is one for the node's structure family.",
    405: "Use another method, or another node; `Allow` lists the methods of the endpoint.",
    406: "Request another format; `detail` lists those supported.",
    409: "Read the current state, then decide whether to repeat the request.",
    410: "Restore the file, or change the data source.",
    413: "Write smaller parts: blocks, patches, partitions.",
    415: "Send another `Content-Type`, or register another format.",
    422: "Correct the value that `detail` names.",
    429: "Repeat the request after `Retry-After` seconds.",
    503: "Repeat the request after `Retry-After` seconds, if the header is present.",
    507: "Delete data, or ask the administrator to free disk space or to enlarge the quota; "
    "nothing of the request was stored.",
}
"""The remedy for each error status."""


def meanings() -> dict[int, str]:
    """Return a description of each error status, in order."""
    texts: dict[int, list[str]] = {}
    for kind in ServiceError.__subclasses__():
        if kind.__module__ == errors.__name__:
            texts.setdefault(kind.status, []).append(_first_line(kind))
    for stored, status in STORAGE_STATUS.items():
        texts.setdefault(status, []).append(_first_line(stored))
    texts.setdefault(413, []).append(
        "The body exceeds the setting server.max_body_bytes, or a declared size exceeds one of the "
        "settings bounds."
    )
    texts.setdefault(503, []).append("The database is unreachable or overloaded.")
    texts[503].append("Another write to the node took longer than database.lock_timeout.")
    texts[503].append("A disk of the server is read-only or failing.")
    texts.setdefault(507, []).append("A disk of the server is full.")
    return {status: " ".join(dict.fromkeys(lines)) for status, lines in sorted(texts.items())}


def _first_line(kind: type[Exception]) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]
