"""The session cookie of a browser as credentials, for pages of this site only.

Browsers send cookies with requests that pages of other sites cause. `SameSite=Lax` excludes most of
those, but not pages of another port or subdomain; so the request's headers about the page decide.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest, parse_cookie

from core.http.origins import is_same_origin

from .credentials import Credentials


def session_credentials(request: HttpRequest) -> Credentials | None:
    """Return the session cookie of a request, unless a page of another origin caused it.

    A link from another site is accepted, as for any page that needs a login.
    """
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    if not cookie:
        return None
    origin = request.META.get("HTTP_ORIGIN")
    if origin is not None:
        own = is_same_origin(origin, request.get_host())
    else:
        site = request.META.get("HTTP_SEC_FETCH_SITE", "none")
        followed = request.META.get("HTTP_SEC_FETCH_MODE") == "navigate"
        own = followed or site in {"same-origin", "none"}
    return Credentials("session", cookie) if own else None


def handshake_session_credentials(headers: Mapping[str, str], host: str) -> Credentials | None:
    """Return the session cookie of a WebSocket handshake by a page of this host.

    Without `Origin` it is ignored: browsers always send one with a handshake. Pages of
    `server.allow_origins` have to send other credentials.
    """
    cookies, name = headers.get("cookie", ""), settings.SESSION_COOKIE_NAME
    if name not in cookies or not is_same_origin(headers.get("origin", ""), host):
        return None
    cookie = parse_cookie(cookies).get(name)
    return Credentials("session", cookie) if cookie else None
