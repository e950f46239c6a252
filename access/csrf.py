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


def check_csrf(request: Request) -> None:
    """Raise Forbidden unless the request is safe or says the CSRF cookie's value a second time."""
    if request.method in SAFE_METHODS:
        return
    cookie = request.COOKIES.get(CSRF_COOKIE)
    said = request.META.get("HTTP_X_CSRF") or request.query_params.get("csrf")
    if not cookie:
        raise Forbidden("Expected tiled_csrf_token cookie")
    if not said:
        raise Forbidden("Expected csrf query parameter or x-csrf header")
    if not secrets.compare_digest(cookie.encode(), said.encode()):
        raise Forbidden("Double-submit CSRF tokens do not match")
