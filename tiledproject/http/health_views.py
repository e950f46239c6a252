"""Health endpoints: `/healthz` (alive) and `/readyz` (ready for requests).

They need no credentials, and answer under every host name: load balancers use addresses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from access.api.exception_handler import error_response
from catalog.locks.node_locks import longest_wait
from core.version import VERSION

from .readiness import DEGRADED, READY, readiness

PATHS = ("/healthz", "/readyz")
# Shorter waits for a lock are normal: writes to one node wait for each other.
MIN_REPORTED_WAIT_SECONDS = 5.0
NOT_READY_HEADERS = {"Retry-After": "1"}


def read_only(view: Callable[[], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Return a view that answers GET and HEAD, and is not cached."""

    @wraps(view)
    @csrf_exempt
    def refusing(request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return error_response(405, "Method Not Allowed", {"Allow": "GET, HEAD"})
        response = view()
        response.headers["Cache-Control"] = "no-store"
        response.headers["Content-Length"] = str(len(response.content))
        return response

    return refusing


@read_only
def healthz() -> HttpResponse:
    """Return that this worker process answers requests, whatever the state of its backends.

    If writes wait for locks of nodes for long, the response has the time.
    """
    report: dict[str, Any] = {"status": READY, "version": VERSION}
    waited = longest_wait()
    if waited >= MIN_REPORTED_WAIT_SECONDS:
        report["longest_lock_wait"] = round(waited, 1)
    return JsonResponse(report)


@read_only
def readyz() -> HttpResponse:
    """Return whether requests should be sent to this server, with the state of each backend."""
    report = readiness.report()
    if report["status"] in (READY, DEGRADED):
        return JsonResponse(report)
    return JsonResponse(report, status=503, headers=NOT_READY_HEADERS)
