"""Credentials of an HTTP request, as Django REST framework asks for them.

Source: the wire, "Presenting credentials": query `api_key`, header, cookie `tiled_api_key`; the
first that is there counts.
"""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from .credentials import anonymous, authenticate_key, key_in_header
from .csrf import check_csrf
from .errors import Unauthorized
from .principals import Principal

KEY_COOKIE = "tiled_api_key"


class ApiKeyAuthentication(BaseAuthentication):
    """The principal of a request: by its API key, or anonymous."""

    def authenticate(self, request: Request) -> tuple[Principal, None]:
        """The principal. Raises Unauthorized for a wrong key and BadRequest for a bad header."""
        key = request.query_params.get("api_key")
        header = request.META.get("HTTP_AUTHORIZATION")
        if not key and header:
            key = key_in_header(header)
            if key is None:
                raise Unauthorized(
                    "Could not validate credentials", headers={"WWW-Authenticate": "Bearer"}
                )
        if not key and (cookie := request.COOKIES.get(KEY_COOKIE)):
            check_csrf(request)
            key = cookie
        return (authenticate_key(key) if key else anonymous()), None
