"""What can go wrong, as one tree.

TiledClientError
├── RequestRefused               the server said no; asking again does not help (4xx)
│   ├── BadRequest               400, and ValueError; closed with 4000
│   ├── Unauthorized             401; closed with 4001 or 4003
│   ├── Forbidden                403
│   ├── NodeNotFound             404 and 410, and KeyError; closed with 4004
│   │   └── NodeDeleted          closed with 4010: it was there, and is no more
│   ├── NotSupported             405
│   ├── NotAcceptable            406
│   ├── Conflict                 409
│   ├── UnsupportedMedia         415
│   └── Invalid                  422, and ValueError
├── ServerFailure                the server broke (5xx), or is too busy (429)
│   └── Unavailable              503: not now
├── TransportError               no answer came, and ConnectionError
├── UnreadableAnswer             an answer that is not of the protocol
└── StreamError                  what concerns a subscription alone
    ├── StreamLost               a connection broke; it is made anew by itself, up to a limit
    └── StreamTimeout            the server accepted and then said nothing, and TimeoutError

`status` is the HTTP status or the WebSocket's close code where there is one, and `detail` is what
the server said.
"""

from __future__ import annotations


class TiledClientError(Exception):
    """Anything that this client raises about a server."""

    def __init__(
        self, detail: str, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
        # Whether an earlier attempt at the same request may already have been carried out.
        self.retried = False

    def __str__(self) -> str:
        # KeyError, from which one of these derives, would print the repr.
        return f"{self.status}: {self.detail}" if self.status else self.detail


class RequestRefused(TiledClientError):
    """The server refused; the same request would be refused again."""


class BadRequest(RequestRefused, ValueError):
    """The request contradicts itself, or asks for too much."""


class Unauthorized(RequestRefused):
    """No valid credentials, or credentials without the scopes needed."""


class Forbidden(RequestRefused):
    """Valid credentials, and still not allowed."""


class NodeNotFound(RequestRefused, KeyError):
    """No such node, or one of another family than asked for, or its files are gone."""


class NodeDeleted(NodeNotFound):
    """The node was deleted while it was watched."""


class NotSupported(RequestRefused):
    """This node cannot do what was asked."""


class NotAcceptable(RequestRefused):
    """The server cannot make the format asked for."""


class Conflict(RequestRefused):
    """What is stored stands against it: the key exists, or the patch does not fit."""


class UnsupportedMedia(RequestRefused):
    """The server cannot read or write that format."""


class Invalid(RequestRefused, ValueError):
    """The server does not understand, or does not take, a value that was sent."""


class ServerFailure(TiledClientError):
    """The server failed, and may not fail next time."""


class Unavailable(ServerFailure):
    """Not now; `retry_after` says in how many seconds, if the server did."""


class TransportError(TiledClientError, ConnectionError):
    """The server could not be reached, or the connection broke before the answer was complete.

    `unprocessed` is True where the request surely never reached it.
    """

    def __init__(self, detail: str, *, unprocessed: bool = False) -> None:
        super().__init__(detail)
        self.unprocessed = unprocessed


class UnreadableAnswer(TiledClientError):
    """What the server sent is not of the protocol."""


class StreamError(TiledClientError):
    """What concerns a subscription alone."""


class StreamLost(StreamError):
    """The connection of a subscription broke."""


class StreamTimeout(StreamError, TimeoutError):
    """The server did not begin its stream in time."""


REFUSALS: dict[int, type[RequestRefused]] = {
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


def error_for_status(
    status: int, detail: str, *, retry_after: float | None = None
) -> TiledClientError:
    """The error that an HTTP status of 400 or more means."""
    kind: type[TiledClientError]
    if status == 503:
        kind = Unavailable
    elif status >= 500 or status == 429:
        kind = ServerFailure
    else:
        kind = REFUSALS.get(status, RequestRefused)
    return kind(detail, status=status, retry_after=retry_after)
