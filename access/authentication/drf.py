"""Authentication of HTTP requests, for REST framework.

Order of precedence: query `api_key`, `Authorization` header, cookie `tiled_api_key`, the session
cookie of a browser. Source: docs/reference/tiled-protocol/http.md, "Presenting credentials, CSRF".
"""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core.request_record import note_principal

from ..principals import Principal, principal_name
from .client_address import client_address
from .credentials import Credentials, authenticate, parse_authorization_header
from .csrf import check_csrf
from .session_cookie import session_credentials

KEY_COOKIE = "tiled_api_key"


class ApiKeyAuthentication(BaseAuthentication):
    """The principal of a request: by its API key, access token or session, or anonymous."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        """Return the principal.

        Raises Unauthorized, BadRequest for a malformed header, CsrfFailed.
        """
        shown = extract_credentials(request)
        if shown is not None:
            shown = shown.at(client_address(request._request))
        principal = authenticate(shown)
        note_principal(principal_name(principal))
        return principal, None


def extract_credentials(request: Request) -> Credentials | None:
    """Return the credentials of a request, if it has any. Raises BadRequest, CsrfFailed."""
    if key := request.query_params.get("api_key"):
        return Credentials("apikey", key)
    if header := request.META.get("HTTP_AUTHORIZATION"):
        return parse_authorization_header(header)
    if cookie := request.COOKIES.get(KEY_COOKIE):
        check_csrf(request)
        return Credentials("apikey", cookie)
    if (session := session_credentials(request._request)) is not None:
        check_csrf(request)
    return session
