"""Pages written by the server: one design, and one content security policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

# Scripts and styles are files of this site; pictures are drawn by scripts as data or blobs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; worker-src 'self'; font-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def page(
    request: HttpRequest | None,
    template: str,
    context: Mapping[str, Any],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """Return a page. Without `request` its template reads neither session nor database."""
    content = render_to_string(template, dict(context), request)
    headers = {**(headers or {}), "Content-Security-Policy": POLICY}
    return HttpResponse(content, status=status, headers=headers)


def error_page(
    status: int, title: str, text: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return a page that says what failed. It needs nothing that may have failed, too."""
    headers = {**(headers or {}), "Cache-Control": "no-store"}
    context = {"title": title, "text": text}
    return page(None, "web/error.html", context, status=status, headers=headers)
