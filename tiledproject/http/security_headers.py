"""Security headers: responses run no foreign scripts and are not shown in frames."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .error_responses import Handler

POLICY = "Content-Security-Policy"
# Data may contain scripts. A browser that displays data must not run them.
DATA_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
PAGE_POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# Media types in which browsers would run scripts.
ACTIVE_MEDIA_TYPES = (
    "text/html",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "application/xml",
)


def set_data_policy(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set headers that keep browsers from running scripts in data of the API."""
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    # Responses depend on the principal: shared caches must not store them.
    headers.setdefault("Cache-Control", "private")
    if headers.get("Content-Type", "").startswith(ACTIVE_MEDIA_TYPES):
        headers.setdefault(POLICY, DATA_POLICY)
        headers["Referrer-Policy"] = "no-referrer"
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"


def security_headers_middleware(get_response: Handler) -> Handler:
    """Return middleware of pages that allows the site's own scripts only, and no framing."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault(POLICY, PAGE_POLICY)
        return response

    return middleware
