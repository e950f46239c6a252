"""Map exceptions to error responses: the only place where the API creates them.

Packages above this one register the statuses of their exceptions with `register_statuses`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions

from access.authentication.csrf import CsrfFailed
from access.metrics import count_error
from core.backend_failures import log_outage
from core.errors import QuotaExceeded, ServiceError
from core.http.responses import JSON, json_bytes
from core.http.urls import base_url
from tiled_client.wire.errors import WireError

# An error repeats the value at fault to the client, but not megabytes of it.
MAX_DETAIL_LENGTH = 2000

_statuses: dict[type[Exception], int] = {}


def register_statuses(statuses: Mapping[type[Exception], int]) -> None:
    """Map exceptions of another package to HTTP statuses; the text of an exception is its detail.

    The most specific registered class of an exception counts. Packages above this one call it in
    their `AppConfig.ready`.
    """
    _statuses.update(statuses)


def registered_status(error: Exception) -> int | None:
    """Return the HTTP status of an exception of another package; None if it is not registered."""
    return next((_statuses[base] for base in type(error).__mro__ if base in _statuses), None)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the response to `error`, and count it; None makes Django return a 500."""
    response = _response_to(error, context)
    if response is not None:
        count_error(error, response.status_code)
    return response


def _response_to(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    match error:
        case CsrfFailed():
            return HttpResponse(error.detail, status=error.status, content_type="text/plain")
        case ServiceError():
            return _service_response(error, context)
        case WireError():
            return error_response(422, str(error))
        case OSError() | DatabaseError() | InterfaceError():
            return outage_response(error)
        case exceptions.MethodNotAllowed():
            allowed = ", ".join(context["view"].allowed_methods)
            return error_response(405, "Method Not Allowed", {"Allow": allowed})
        case RequestDataTooBig():
            return error_response(413, str(error))
        case UnreadablePostError():
            return error_response(400, "The request body is incomplete.")
        case exceptions.APIException():
            return error_response(error.status_code, str(error.detail))
    return _registered_response(error)


def _service_response(error: ServiceError, context: dict[str, Any]) -> HttpResponse:
    headers = dict(error.headers)
    if "WWW-Authenticate" in headers:
        headers["X-Tiled-Root"] = base_url(context["request"])
    response = error_response(error.status, error.detail, headers, code=error.code)
    if isinstance(error, QuotaExceeded):
        # Django logs each 5xx as an error of the server, but this is one of the client.
        marked: Any = response
        marked._has_been_logged = True
    return response


def _registered_response(error: Exception) -> HttpResponse | None:
    status = registered_status(error)
    if status is None:
        return None
    retry_after = getattr(error, "retry_after", None)
    headers = None if retry_after is None else {"Retry-After": str(retry_after)}
    # A failing disk may have caused it; then the outage is the better explanation.
    return outage_response(error) or error_response(status, str(error), headers)


def outage_response(error: Exception) -> HttpResponse | None:
    """Return the response to a failure of a disk or the database; None for other errors."""
    outage = log_outage(error)
    if outage is None:
        return None
    headers = {"Retry-After": str(outage.retry_after)}
    return error_response(outage.status, outage.detail, headers)


def error_response(
    status: int, detail: str, headers: dict[str, str] | None = None, *, code: str | None = None
) -> HttpResponse:
    """Return an error response: JSON with `detail`, and `code` if there is one."""
    if len(detail) > MAX_DETAIL_LENGTH:
        detail = f"{detail[:MAX_DETAIL_LENGTH]}…"
    body = json_bytes({"detail": detail} if code is None else {"detail": detail, "code": code})
    return HttpResponse(body, status=status, content_type=JSON, headers=headers)


@csrf_exempt
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the response to a path without a view."""
    return error_response(404, "Not Found")


def server_error(request: HttpRequest) -> HttpResponse:
    """Return the response to an unexpected error, which is in the log."""
    return error_response(500, "Internal server error")
