"""One tree of errors for the whole server.

ServiceError
├── BadRequest (400)            a request that contradicts itself
├── Unauthorized (401)          no valid credentials, or not enough scopes
├── Forbidden (403)             valid credentials, but this is not allowed
├── NotFound (404)              no such node, or one of another family
├── NotSupported (405)          this node cannot do that
├── NotAcceptable (406)         no format that the client reads
├── Conflict (409)              what is stored stands against it
├── TooLarge (413)              more than can ever be taken at once
├── UnsupportedMedia (415)      a format that the server cannot read or write
├── Invalid (422)               a value that is wrong
├── TooMany (429)               as many as may be are there already; `retry_after` likewise
└── Unavailable (503)           not now; `retry_after` says when to ask again

Each carries the HTTP status, and the WebSocket close code for when the handshake is over.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Something the caller did, or can wait for. `detail` is shown to them."""

    status = 500
    close_code = 1011

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}


class BadRequest(ServiceError):
    """The request contradicts itself, or exceeds a limit."""

    status = 400
    close_code = 4000


class Unauthorized(ServiceError):
    """No valid credentials, or credentials without the scopes needed."""

    status = 401
    close_code = 4003


class Forbidden(ServiceError):
    """Valid credentials, and still not allowed."""

    status = 403
    close_code = 4003


class NotFound(ServiceError):
    """The node does not exist, or has another structure family."""

    status = 404
    close_code = 4004


class NotSupported(ServiceError):
    """The node does not support this operation."""

    status = 405
    close_code = 4004


class NotAcceptable(ServiceError):
    """None of the formats that the client reads can be made."""

    status = 406


class Conflict(ServiceError):
    """The stored state conflicts with the request."""

    status = 409


class TooLarge(ServiceError):
    """More than can ever be taken at once."""

    status = 413
    close_code = 1009


class UnsupportedMedia(ServiceError):
    """A format that the server does not know how to read or write."""

    status = 415


class Invalid(ServiceError):
    """A value that is wrong."""

    status = 422


class TooMany(ServiceError):
    """Too many requests or resources (429). `retry_after` is in seconds."""

    status = 429
    close_code = 4029

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Unavailable(ServiceError):
    """Not now. `retry_after` is in seconds."""

    status = 503
    close_code = 1013

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})
