"""Error responses of the API for exceptions outside its views: JSON without a traceback."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils.log import log_response

from access.api import exception_handler
from access.metrics import count_error

Handler = Callable[[HttpRequest], HttpResponseBase]

UNKNOWN_HOST = "Unknown host {!r}. An administrator can add it to the setting server.allowed_hosts."


def error_middleware(get_response: Handler) -> Handler:
    """Return middleware that turns every exception into a response."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        try:
            return get_response(request)
        except Exception as error:  # noqa: BLE001  unexpected errors are logged and become a 500
            return error_response_for(request, error)

    return middleware


def error_response_for(request: HttpRequest, error: Exception) -> HttpResponse:
    """Return the response to an exception that no view has handled."""
    match error:
        case Http404():
            return exception_handler.not_found(request)
        case PermissionDenied():
            return exception_handler.error_response(403, "Permission denied.")
        case DisallowedHost():
            return exception_handler.error_response(
                400, UNKNOWN_HOST.format(requested_host(request))
            )
        case RequestDataTooBig():
            return exception_handler.error_response(413, str(error))
        case BadRequest() | SuspiciousOperation() | MultiPartParserError() | UnreadablePostError():
            return exception_handler.error_response(400, "The request is malformed.")
    return exception_handler.outage_response(error) or _internal_error(request, error)


def _internal_error(request: HttpRequest, error: Exception) -> HttpResponse:
    count_error(error, 500)
    got_request_exception.send(sender=None, request=request)
    response = exception_handler.server_error(request)
    if settings.DEBUG:
        lines = traceback.format_exception(error)
        response = exception_handler.error_response(500, "".join(lines))
    log_response(
        "%s: %s",
        response.reason_phrase,
        request.path,
        response=response,
        request=request,
        exception=error,
    )
    return response


def requested_host(request: HttpRequest) -> str | None:
    """Return the host name that the client used, whether known or not."""
    return request.headers.get("X-Forwarded-Host") or request.headers.get("Host")
