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

from access.api.permissions import HasScopes, ScopedView, principal_of
from access.authentication.csrf import CSRF_COOKIE, is_own_navigation
from access.authentication.drf import KEY_COOKIE, ApiKeyAuthentication
from catalog.permissions.node_permissions import check_node
from core.http import server_timing
from core.http.compression import compress_response

from .body_admission import finish_preflight


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
    """A view of the API: credentials checked, then the scopes that it names for the method.

    What the REST framework makes anew for every request, and would find the same each time, is
    made once.
    """

    permission_classes = (HasScopes,)
    parser_classes = ()
    brings_data = False
    """Whether bodies are data, which may be large, and not JSON."""
    http_method_names = ("get", "post", "put", "patch", "delete")

    _authenticators = (ApiKeyAuthentication(),)
    _permissions = (HasScopes(),)
    _negotiator = NoNegotiation()

    def get_authenticators(self) -> Any:
        """How a client says who it is."""
        return self._authenticators

    def get_permissions(self) -> Any:
        """What a principal must hold."""
        return self._permissions

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer; and leave nothing behind that only the garbage collector would find.

        View and request know each other. What both of them hold, the body and the answer, may be
        large files in memory, which the collector knows nothing of.
        """
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            self.request.parser_context = {}
            self.__dict__.clear()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check who asks, and what they may do; there are neither versions nor throttles."""
        self.perform_authentication(request)
        self.check_permissions(request)
        needed = self.scopes.get(request.method or "", ())
        if "path" in kwargs:
            check_node(kwargs["path"], principal_of(request), *needed)
        finish_preflight(request._request, needed, brings_data=self.brings_data)
        server_timing.mark_authorized()

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None."""
        return {}

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the cookies."""
        if CSRF_COOKIE not in request.COOKIES:
            _set_cookie(request, response, CSRF_COOKIE, secrets.token_urlsafe(32))
        key = request.query_params.get("api_key")
        if key and response.status_code < 400 and is_own_navigation(request):
            _set_cookie(request, response, KEY_COOKIE, key)
        return compress_response(request, response)


def _set_cookie(request: Request, response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, httponly=True, samesite="Lax", secure=request.is_secure())


class SlashAdded(HttpResponseRedirect):
    """To the same address with a slash at the end; the method and the body stay."""

    status_code = 307


@csrf_exempt
def add_slash(request: HttpRequest) -> HttpResponse:
    """Send the client to the form with the slash, with its query."""
    query = request.META.get("QUERY_STRING")
    return SlashAdded(f"{request.path}/{'?' + query if query else ''}")
