"""Double-submit CSRF protection, for browsers that have an API key or a session in a cookie.

A request with its key in a header needs none, since no other site can make a browser send one.
Source: docs/reference/tiled-protocol/http.md, "Presenting credentials, CSRF".
"""

from __future__ import annotations

import secrets

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from core.errors import Forbidden

CSRF_COOKIE = "tiled_csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_own_navigation(request: Request | HttpRequest) -> bool:
    """Return whether no page of another site has made a browser send this request.

    A link on another site that contains a key must not log the visitor in with that key. Browsers
    that send no `Sec-Fetch-Site` (old ones, or over plain HTTP) are trusted if the `Referer` is a
    page of this site; programs do not follow links.
    """
    fetch_site = request.META.get("HTTP_SEC_FETCH_SITE")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    if request.META.get("HTTP_USER_AGENT", "").startswith("Mozilla/"):
        here = f"{request.scheme}://{request.get_host()}/"
        return str(request.META.get("HTTP_REFERER", "")).startswith(here)
    return True


def csrf_token(request: HttpRequest) -> str:
    """Return the token that requests from a page repeat: that of the cookie, or a new one."""
    return request.COOKIES.get(CSRF_COOKIE) or secrets.token_urlsafe(32)


def set_csrf_cookie(request: HttpRequest, response: HttpResponse, token: str) -> None:
    """Set the cookie of `csrf_token`, unless the browser has it."""
    if CSRF_COOKIE not in request.COOKIES:
        response.set_cookie(
            CSRF_COOKIE, token, httponly=True, samesite="Lax", secure=request.is_secure()
        )


class CsrfFailed(Forbidden):
    """The request may come from another site; reported in plain text, as browsers show it."""


def check_csrf(request: Request) -> None:
    """Raise CsrfFailed unless the request is safe or repeats the value of the CSRF cookie."""
    if request.method in SAFE_METHODS:
        return
    said = request.META.get("HTTP_X_CSRF") or request.query_params.get("csrf")
    check_csrf_token(request.COOKIES.get(CSRF_COOKIE), said)


def check_csrf_token(cookie: str | None, said: str | None) -> None:
    """Raise CsrfFailed unless `said`, from the request, is the value of the CSRF cookie."""
    if not cookie:
        raise CsrfFailed("Expected tiled_csrf_token cookie")
    if not said:
        raise CsrfFailed("Expected csrf query parameter or x-csrf header")
    if not secrets.compare_digest(cookie.encode(), said.encode()):
        raise CsrfFailed("Double-submit CSRF tokens do not match")
