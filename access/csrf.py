"""Double-submit protection, for browsers that hold the API key in a cookie.

Source: the wire, "Presenting credentials, CSRF". A request that brings its key in a header needs
none of this, since no other site can make a browser send one.
"""

from __future__ import annotations

import secrets

from rest_framework.request import Request

from .errors import Forbidden

CSRF_COOKIE = "tiled_csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class CsrfFailed(Forbidden):
    """The request may have been made by another site; said in plain text, as browsers show it."""


def check_csrf(request: Request) -> None:
    """Raise CsrfFailed unless the request is safe or says the CSRF cookie's value a second time."""
    if request.method in SAFE_METHODS:
        return
    cookie = request.COOKIES.get(CSRF_COOKIE)
    said = request.META.get("HTTP_X_CSRF") or request.query_params.get("csrf")
    if not cookie:
        raise CsrfFailed("Expected tiled_csrf_token cookie")
    if not said:
        raise CsrfFailed("Expected csrf query parameter or x-csrf header")
    if not secrets.compare_digest(cookie.encode(), said.encode()):
        raise CsrfFailed("Double-submit CSRF tokens do not match")
