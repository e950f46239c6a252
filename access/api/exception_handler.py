"""From an exception to an answer: the one place where the API makes error responses."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions

from access.authentication.csrf import CsrfFailed
from catalog.api.nodes.links import base_url
from catalog.backend_failures import complain
from catalog.storage.errors import (
    Malformed,
    MissingFile,
    NoSuchEntry,
    NoSuchRows,
    NotReady,
    OutsideReadable,
    Oversized,
    SchemaMismatch,
    StorageError,
    UnknownColumn,
    Unreadable,
    Unsupported,
)
from core.errors import ServiceError
from core.http.responses import JSON, json_bytes
from tiled_client.wire.errors import WireError

# What was wrong is repeated to whoever sent it, but not megabytes of it.
MAX_DETAIL_LENGTH = 2000

STORAGE_STATUS: dict[type[StorageError], int] = {
    OutsideReadable: 403,
    MissingFile: 410,
    Unreadable: 422,
    NotReady: 503,
    Unsupported: 415,
    Malformed: 422,
    Oversized: 413,
    SchemaMismatch: 422,
    UnknownColumn: 400,
    NoSuchEntry: 404,
    NoSuchRows: 400,
}


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """The answer to `error`; None leaves it to Django, as a 500."""
    match error:
        case CsrfFailed():
            return HttpResponse(error.detail, status=error.status, content_type="text/plain")
        case ServiceError():
            return _service_response(error, context)
        case WireError():
            return error_response(422, str(error))
        case StorageError() | OSError() | DatabaseError() | InterfaceError():
            return outage_response(error) or _storage_response(error)
        case exceptions.MethodNotAllowed():
            allowed = ", ".join(context["view"].allowed_methods)
            return error_response(405, "Method Not Allowed", {"Allow": allowed})
        case RequestDataTooBig():
            return error_response(413, str(error))
        case UnreadablePostError():
            return error_response(400, "The request's body ended before all of it had arrived.")
        case exceptions.APIException():
            return error_response(error.status_code, str(error.detail))
    return None


def _service_response(error: ServiceError, context: dict[str, Any]) -> HttpResponse:
    headers = dict(error.headers)
    if "WWW-Authenticate" in headers:
        headers["X-Tiled-Root"] = base_url(context["request"])
    return error_response(error.status, error.detail, headers)


def _storage_response(error: Exception) -> HttpResponse | None:
    if not isinstance(error, StorageError):
        return None
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, NotReady) else None
    return error_response(STORAGE_STATUS.get(type(error), 500), str(error), headers)


def outage_response(error: Exception) -> HttpResponse | None:
    """The answer where a disk or the database has failed; None where `error` is another."""
    outage = complain(error)
    if outage is None:
        return None
    headers = {"Retry-After": str(outage.retry_after)}
    return error_response(outage.status, outage.detail, headers)


def error_response(status: int, detail: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """An error in the wire's form; always JSON."""
    if len(detail) > MAX_DETAIL_LENGTH:
        detail = f"{detail[:MAX_DETAIL_LENGTH]}…"
    body = json_bytes({"detail": detail})
    return HttpResponse(body, status=status, content_type=JSON, headers=headers)


@csrf_exempt
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The answer to a path that no view has."""
    return error_response(404, "Not Found")


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer when something broke; the log says what."""
    return error_response(500, "Internal server error")
