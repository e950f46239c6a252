"""Errors of services, with an HTTP status and a WebSocket close code each.

ServiceError
├── BadRequest (400)            the request contradicts itself, or exceeds a limit
├── Unauthorized (401)          no valid credentials, or not enough scopes
├── Forbidden (403)             valid credentials without permission for this request
├── NotFound (404)              no such node, or a node of another structure family
├── NotSupported (405)          the node does not support the operation
├── NotAcceptable (406)         no format that the client accepts
├── Conflict (409)              the stored state conflicts with the request
├── TooLarge (413)              the request exceeds a limit of size
├── UnsupportedMedia (415)      a format that the server cannot read or write
├── Invalid (422)               an invalid value
├── TooMany (429)               too many requests or resources; `retry_after` in seconds
├── Unavailable (503)           temporarily unavailable; `retry_after` in seconds
└── QuotaExceeded (507)         a quota is used up

The close code is sent if the WebSocket handshake is complete.
"""

from __future__ import annotations


class ServiceError(Exception):
    """An error of the caller, or a temporary failure.

    `detail` and `code`, a name of the reason for programs, are sent to the client.
    """

    status = 500
    close_code = 1011

    def __init__(
        self, detail: str, *, headers: dict[str, str] | None = None, code: str | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code
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
    """Valid credentials without permission for this request."""

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
    """None of the formats that the client accepts is available."""

    status = 406


class Conflict(ServiceError):
    """The stored state conflicts with the request."""

    status = 409


class TooLarge(ServiceError):
    """The request is larger than a limit."""

    status = 413
    close_code = 1009


class UnsupportedMedia(ServiceError):
    """The server cannot read or write this format."""

    status = 415


class Invalid(ServiceError):
    """A value is invalid."""

    status = 422


class TooMany(ServiceError):
    """Too many requests or resources (429). `retry_after` is in seconds."""

    status = 429
    close_code = 4029

    def __init__(self, detail: str, *, retry_after: int = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class Unavailable(ServiceError):
    """Temporarily unavailable. `retry_after` is in seconds."""

    status = 503
    close_code = 1013

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


class QuotaExceeded(ServiceError):
    """A quota of stored data or nodes is used up."""

    status = 507
