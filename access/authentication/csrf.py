"""Double-submit CSRF protection, for browsers that have the API key in a cookie.

A request with its key in a header needs none, since no other site can make a browser send one.
Source: docs/reference/tiled-protocol/http.md, "Presenting credentials, CSRF".
"""

from __future__ import annotations

import secrets

from rest_framework.request import Request

from core.errors import Forbidden

CSRF_COOKIE = "tiled_csrf"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def is_own_navigation(request: Request) -> bool:
    """Return whether no page of another site has made a browser send this request.

    A link with a key in it, followed from elsewhere, must not have the visitor act with that key
    from then on. Browsers that do not say where they come from (over plain HTTP, or old ones) are
    believed if they were on a page of this site; programs follow no links.
    """
    fetch_site = request.META.get("HTTP_SEC_FETCH_SITE")
    if fetch_site is not None:
        return fetch_site in {"same-origin", "none"}
    if request.META.get("HTTP_USER_AGENT", "").startswith("Mozilla/"):
        here = f"{request.scheme}://{request.get_host()}/"
        return str(request.META.get("HTTP_REFERER", "")).startswith(here)
    return True


class CsrfFailed(Forbidden):
    """The request may come from another site; reported in plain text, as browsers show it."""


def check_csrf(request: Request) -> None:
    """Raise CsrfFailed unless the request is safe or repeats the value of the CSRF cookie."""
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
