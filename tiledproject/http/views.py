"""Pages of the site that belong to no app."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from access.api import exception_handler
from core.backend_failures import log_outage
from web.pages import error_page

from . import request_ids
from .error_responses import UNKNOWN_HOST, error_response_for, requested_host

API = "/api/"


def only_get(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return the view restricted to GET, with the API's error for other methods."""

    @wraps(view)
    @csrf_exempt
    def refusing(request: HttpRequest) -> HttpResponse:
        if request.method != "GET":
            return exception_handler.error_response(405, "Method Not Allowed", {"Allow": "GET"})
        return view(request)

    return refusing


@only_get
def landing(request: HttpRequest) -> HttpResponse:
    """Redirect to the web page, with the query: a key in it logs in there."""
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(reverse("web-home") + (f"?{query}" if query else ""))


@only_get
def favicon(request: HttpRequest) -> HttpResponse:
    """Redirect to the icon, which browsers request here if a page names none."""
    return HttpResponseRedirect(static("site/favicon.svg"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the response to a malformed request, most often with an unknown host name."""
    if request.path_info.startswith(API):
        return error_response_for(request, exception)
    text = "The request is malformed."
    if isinstance(exception, DisallowedHost):
        text = UNKNOWN_HOST.format(requested_host(request))
    return error_page(400, "Bad request", text)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a 403: JSON for the API, a page otherwise."""
    if request.path_info.startswith(API):
        return error_response_for(request, exception)
    return error_page(403, "Permission denied", "You may not do this here.")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return the response to a form whose CSRF token is missing or wrong."""
    text = (
        f"The form was not accepted ({reason.rstrip('.')}). Load the page again, and allow cookies "
        "of this site."
    )
    return error_page(403, "Permission denied", text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a 404: JSON for the API, a page otherwise."""
    if request.path_info.startswith(API):
        return exception_handler.not_found(request)
    return error_page(404, "Not found", "This site has no page at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a 500: JSON for the API, a page otherwise; the error is in the log.

    It is a 503 or 507 while a disk or the database fails.
    """
    if request.path_info.startswith(API):
        return exception_handler.server_error(request)
    # Django calls this while it handles the exception.
    error = sys.exc_info()[1]
    outage = log_outage(error) if isinstance(error, Exception) else None
    if outage is not None:
        headers = {"Retry-After": str(outage.retry_after)}
        return error_page(outage.status, "Not now", outage.detail, headers)
    name = request_ids.current.get()
    text = "The server failed to answer. Its log has the error"
    return error_page(500, "Internal server error", f"{text}, at [{name}]." if name else f"{text}.")
