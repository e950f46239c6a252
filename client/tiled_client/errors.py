"""The exceptions of the client, as one tree.

TiledClientError
├── RequestRejected              client error (4xx); the same request would be rejected again
│   ├── BadRequest               400, and ValueError; close code 4000
│   ├── Unauthorized             401; close codes 4001 and 4003
│   ├── Forbidden                403
│   ├── NodeNotFound             404 and 410, and KeyError; close code 4004
│   │   ├── AmbiguousKey         several runs have a uid that begins with the key, and ValueError
│   │   └── NodeDeleted          close code 4010: the node was deleted during a subscription
│   ├── NotSupported             405
│   ├── NotAcceptable            406
│   ├── Conflict                 409
│   │   ├── NodeExists           the key of a new node is taken
│   │   └── NodeReplaced         another node has the path since the client object was made
│   ├── UnsupportedMedia         415
│   └── Invalid                  422, and ValueError
├── ServerError                  server error (5xx), or rate limit (429)
│   └── Unavailable              503
├── TransportError               no complete response, and ConnectionError
├── InvalidResponse              a response that does not follow the protocol
├── StreamError                  errors of subscriptions, and of writers
│   ├── StreamLost               the connection broke; it is reconnected up to a limit
│   └── StreamTimeout            no first message in time, and TimeoutError
└── FrameRejected                a frame of a writer was not applied; `reason` is an error

Attributes of all of them: `detail` is one sentence, or several, about what failed; `status` the
HTTP status or the WebSocket close code, `code` the server's name for the reason, and `url` that of
the request without its query, where there are any. No attribute has an API key or a token.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ._lazy_exports import warn_renamed


class FailureCause(StrEnum):
    """Why there was no complete response."""

    refused = "refused"
    unknown_host = "unknown_host"
    unreachable = "unreachable"
    tls = "tls"
    timeout = "timeout"
    broken = "broken"


class TiledClientError(Exception):
    """Base class of all errors that this client raises about a server.

    Parameters
    ----------
    detail
        The explanation.
    status
        HTTP status, or WebSocket close code.
    retry_after
        Seconds after which the server asks to be tried again.
    code
        The server's name for the reason, for programs.
    url
        URL of the request, without its query.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        code: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        self.code = code
        self.url = url
        # Whether an earlier attempt at the same request may already have succeeded.
        self.retried = False
        # Whether the response was not one of Tiled's API: that of a proxy, or of another program.
        self.is_foreign = False

    def __str__(self) -> str:
        # NodeNotFound is a KeyError, whose own __str__ would return the repr.
        origin = " from ".join(str(part) for part in (self.status, self.url) if part)
        return f"{self.detail} ({origin})" if origin else self.detail


class RequestRejected(TiledClientError):
    """The server rejected the request, and would reject the same request again (4xx)."""


class BadRequest(RequestRejected, ValueError):
    """The request is malformed, contradicts itself, or exceeds a limit (400)."""


class Unauthorized(RequestRejected):
    """Missing or invalid credentials, or credentials without the required scopes (401)."""


class Forbidden(RequestRejected):
    """Valid credentials that do not permit the request (403)."""


class NodeNotFound(RequestRejected, KeyError):
    """The node does not exist, is of another structure family, or its files are missing (404)."""


class AmbiguousKey(NodeNotFound, ValueError):
    """Several runs have a uid that begins with the key; the message names them."""


class NodeDeleted(NodeNotFound):
    """The node was deleted during a subscription."""


class NotSupported(RequestRejected):
    """The node does not support the operation (405)."""


class NotAcceptable(RequestRejected):
    """The server cannot produce the requested format (406)."""


class Conflict(RequestRejected):
    """The request conflicts with stored state: the key exists, or the patch does not fit (409)."""


class NodeExists(Conflict):
    """A node with the key of the new one exists already (409); `path` is its path, if known."""

    path: tuple[str, ...] = ()


class NodeReplaced(Conflict):
    """Another node has the path since this client object was made: nothing was written (409)."""


class UnsupportedMedia(RequestRejected):
    """The server cannot read or write the format (415)."""


class Invalid(RequestRejected, ValueError):
    """The server rejected a value of the request (422)."""


class ServerError(TiledClientError):
    """The server failed (5xx) or limits the rate of requests (429); a retry may succeed."""


class Unavailable(ServerError):
    """Service unavailable (503); `retry_after` is in seconds, if given."""


class TransportError(TiledClientError, ConnectionError):
    """The server is unreachable, or the connection broke before the response was complete.

    Parameters
    ----------
    detail
        What failed.
    unprocessed
        Whether the request certainly never reached the server.
    cause
        The kind of failure.
    url
        URL of the request, without its query.
    """

    def __init__(
        self,
        detail: str,
        *,
        unprocessed: bool = False,
        cause: FailureCause = FailureCause.broken,
        url: str | None = None,
    ) -> None:
        super().__init__(detail, url=url)
        self.unprocessed = unprocessed
        self.cause = cause


class InvalidResponse(TiledClientError):
    """The server's response does not follow the protocol."""


class StreamError(TiledClientError):
    """Base class of errors of subscriptions."""


class StreamLost(StreamError):
    """The connection of a subscription broke."""


class StreamTimeout(StreamError, TimeoutError):
    """The server did not start the stream in time."""


class FrameRejected(TiledClientError):
    """A frame that a writer sent was not applied.

    Parameters
    ----------
    reason
        The error that a separate request would have raised.
    path
        The node.
    sequence
        The number of the frame: the first one of a writer for this node has number 1; 0 if the node
        was not created.
    later_applied
        Whether the frames after it are applied nevertheless.
    """

    def __init__(
        self, reason: TiledClientError, path: str, sequence: int, *, later_applied: bool
    ) -> None:
        rest = "the frames after it are applied" if later_applied else "nothing after it is applied"
        failed = f"Frame {sequence} for the node /{path} was not applied, and {rest}"
        if not sequence:
            failed = f"The node /{path} was not created"
        super().__init__(
            f"{failed}: {reason.detail}",
            status=reason.status,
            code=reason.code,
        )
        self.reason = reason
        self.path = path
        self.sequence = sequence
        self.later_applied = later_applied
        self.others: tuple[FrameRejected, ...] = ()
        """Further frames that were not applied, in their order."""


ERRORS_BY_STATUS: dict[int, type[RequestRejected]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NodeNotFound,
    405: NotSupported,
    406: NotAcceptable,
    409: Conflict,
    410: NodeNotFound,
    415: UnsupportedMedia,
    422: Invalid,
}


NODE_EXISTS = "node_exists"
NODE_REPLACED = "node_replaced"

ERRORS_BY_CODE: dict[str, type[RequestRejected]] = {
    NODE_EXISTS: NodeExists,
    NODE_REPLACED: NodeReplaced,
}


def error_for_status(
    status: int,
    detail: str,
    *,
    retry_after: float | None = None,
    code: str | None = None,
    url: str | None = None,
) -> TiledClientError:
    """Return the error for an HTTP status of 400 or more, and the server's code if it has one."""
    kind: type[TiledClientError]
    if status == 503:
        kind = Unavailable
    elif status >= 500 or status == 429:
        kind = ServerError
    else:
        by_status = ERRORS_BY_STATUS.get(status, RequestRejected)
        kind = ERRORS_BY_CODE.get(code or "", by_status)
    return kind(detail, status=status, retry_after=retry_after, code=code, url=url)


_FORMER_NAMES: dict[str, type[TiledClientError]] = {
    "RequestRefused": RequestRejected,
    "ServerFailure": ServerError,
    "UnreadableAnswer": InvalidResponse,
}

# Hidden from type checkers: to them, every attribute of the module would exist.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _FORMER_NAMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warn_renamed(f"{__name__}.{name}", _FORMER_NAMES[name].__name__)
        return _FORMER_NAMES[name]
