"""Credentials of an HTTP request, as Django REST framework asks for them.

Source: the wire, "Presenting credentials": query `api_key`, header, cookie `tiled_api_key`; the
first that is there counts.
"""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from ..principals import Principal
from .client_address import client_address
from .credentials import Credentials, authenticate, parse_authorization_header
from .csrf import check_csrf

KEY_COOKIE = "tiled_api_key"


class ApiKeyAuthentication(BaseAuthentication):
    """The principal of a request: by its API key or its access token, or anonymous."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        """The principal. Raises Unauthorized, BadRequest for a bad header, and CsrfFailed."""
        shown = extract_credentials(request)
        if shown is not None:
            shown = shown.at(client_address(request._request))
        return authenticate(shown), None


def extract_credentials(request: Request) -> Credentials | None:
    """What a request shows, if anything. Raises BadRequest, and CsrfFailed."""
    if key := request.query_params.get("api_key"):
        return Credentials("apikey", key)
    if header := request.META.get("HTTP_AUTHORIZATION"):
        return parse_authorization_header(header)
    if cookie := request.COOKIES.get(KEY_COOKIE):
        check_csrf(request)
        return Credentials("apikey", cookie)
    return None
