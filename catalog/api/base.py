"""What all views of the API share."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from access.authentication import KEY_COOKIE, ApiKeyAuthentication
from access.csrf import CSRF_COOKIE
from access.permissions import HasScopes, ScopedView


class NoNegotiation(BaseContentNegotiation):
    """Leaves the choice of a format to the view, which knows its data."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        """None: views read the body as bytes."""
        return None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Any: views render by themselves."""
        return JSONRenderer(), "application/json"


class WireView(ScopedView):
    """A view of the API: credentials checked, then the scopes that it names for the method."""

    authentication_classes = (ApiKeyAuthentication,)
    permission_classes = (HasScopes,)
    content_negotiation_class = NoNegotiation
    http_method_names = ("get", "post", "put", "patch", "delete")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add what every answer carries: an id to speak of the request by, and cookies."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers["X-Tiled-Request-ID"] = secrets.token_hex(8)
        if CSRF_COOKIE not in request.COOKIES:
            _set_cookie(response, CSRF_COOKIE, secrets.token_urlsafe(32))
        key = request.query_params.get("api_key")
        if key and response.status_code < 400:
            _set_cookie(response, KEY_COOKIE, key)
        return response


def _set_cookie(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, httponly=True, samesite="Lax")


class SlashAdded(HttpResponseRedirect):
    """To the same address with a slash at the end; the method and the body stay."""

    status_code = 307


@csrf_exempt
def add_slash(request: HttpRequest) -> HttpResponse:
    """Send the client to the form with the slash, with its query."""
    query = request.META.get("QUERY_STRING")
    return SlashAdded(f"{request.path}/{'?' + query if query else ''}")
