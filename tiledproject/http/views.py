"""The few pages that belong to no room."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.html import format_html
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt

from access.api import exception_handler
from catalog.locks.node_locks import longest_wait

from .error_responses import error_response_for

API = "/api/"
# In seconds: writes to one node wait for each other all the time.
REPORTED_ERRORS = 5.0


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
    """Describe this server and link to its API, admin and documentation."""
    return HttpResponse(
        format_html(
            "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>tiled-stream</title>"
            "</head><body><h1>tiled-stream</h1><p>Scientific data, and the stream of it while it "
            "is being written.</p><ul><li><a href='{}'>Admin</a></li><li><a href='{}'>API</a>, and "
            "<a href='{}'>what it can do</a>, to be tried</li></ul>"
            "<p>From Python: <code>from tiled_client import from_uri; "
            "from_uri({!r}, api_key=...)</code></p></body></html>",
            reverse("admin:index"),
            "/api/v1/",
            reverse("docs"),
            request.build_absolute_uri("/"),
        )
    )


@only_get
def healthz(request: HttpRequest) -> JsonResponse:
    """Return whether this worker and its database respond.

    If writes wait for locks of nodes for long, the response has the time.
    """
    try:
        connection.ensure_connection()
    except (OperationalError, InterfaceError):
        body = {"status": "unavailable", "detail": "The database cannot be reached."}
        return JsonResponse(body, status=503, headers={"Retry-After": "1"})
    waited = longest_wait()
    if waited < REPORTED_ERRORS:
        return JsonResponse({"status": "ready"})
    return JsonResponse({"status": "ready", "longest_lock_wait": round(waited, 1)})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return the response to a malformed request, most often with an unknown host name."""
    if not request.path.startswith(API):
        return defaults.bad_request(request, exception)
    return error_response_for(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Return a 404: JSON for the API, a page otherwise."""
    if request.path.startswith(API):
        return exception_handler.not_found(request)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a 500: JSON for the API, a page otherwise; the error is in the log."""
    if request.path.startswith(API):
        return exception_handler.server_error(request)
    return defaults.server_error(request)
