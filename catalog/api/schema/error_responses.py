"""Which answers say no, and what each means; made from the trees of errors."""

from __future__ import annotations

from core import errors
from core.errors import ServiceError

from ..storage_statuses import STORAGE_STATUS

ADVICE = {
    400: "Change the request as the sentence says.",
    401: "Send a key or token that is valid and has the scopes; `WWW-Authenticate` names them.",
    403: "Ask an administrator, or the owner of the node, for permission.",
    404: "Look whether the path is right, and the address the one for the node's family.",
    405: "Use another method, or another node; `Allow` names the methods of the address.",
    406: "Ask for another format; the sentence lists those that there are.",
    409: "Look at what is stored now, and decide again.",
    410: "Bring the file back, or change the data source.",
    413: "Write in pieces: blocks, patches, partitions.",
    415: "Send another `Content-Type`, or register another format.",
    422: "Change the value that the sentence names.",
    429: "Send the same again after `Retry-After` seconds.",
    503: "Send the same again after `Retry-After` seconds, if it says so.",
    507: "Have the administrator of the server make room; nothing of the request was stored.",
}
"""The remedy for each status of a rejection."""


def meanings() -> dict[int, str]:
    """Return a text for each status of a rejection, in order."""
    told: dict[int, list[str]] = {}
    for kind in ServiceError.__subclasses__():
        if kind.__module__ == errors.__name__:
            told.setdefault(kind.status, []).append(_first_line(kind))
    for stored, status in STORAGE_STATUS.items():
        told.setdefault(status, []).append(_first_line(stored))
    told.setdefault(413, []).append(
        "The body is larger than the setting server.max_body_bytes, or what it declares is larger "
        "than one of the settings bounds."
    )
    told.setdefault(503, []).append("The database cannot be reached, or is too busy.")
    told[503].append("Another write to the node took longer than database.lock_timeout.")
    told[503].append("A disk of the server is read-only, or fails.")
    told.setdefault(507, []).append("A disk of the server is full.")
    return {status: " ".join(dict.fromkeys(texts)) for status, texts in sorted(told.items())}


def _first_line(kind: type[Exception]) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]
