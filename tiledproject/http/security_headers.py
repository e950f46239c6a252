"""Security headers: responses run no foreign scripts and are not shown in frames."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .error_responses import Handler

POLICY = "Content-Security-Policy"
# Data may be anything, a script in disguise included; shown in a browser, it has no rights.
OF_DATA = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
)
OF_PAGES = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
# Types of data that browsers would run scripts of.
ACTIVE = ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml")


def set_data_policy(request: HttpRequest, response: HttpResponseBase) -> None:
    """Have a browser that is shown data of the API do nothing but show it."""
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    # Who asks decides what is answered: no cache may give one client's answer to another.
    headers.setdefault("Cache-Control", "private")
    if headers.get("Content-Type", "").startswith(ACTIVE):
        headers.setdefault(POLICY, OF_DATA)
        headers["Referrer-Policy"] = "no-referrer"
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"


def security_headers_middleware(get_response: Handler) -> Handler:
    """Return middleware of pages that allows the site's own scripts only, and no framing."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        response.headers.setdefault(POLICY, OF_PAGES)
        return response

    return middleware
