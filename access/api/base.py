"""Base class of all API views: authentication, permissions, cookies, compression."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from access.api.permissions import HasScopes, ScopedView
from access.authentication.csrf import CSRF_COOKIE, is_own_navigation
from access.authentication.drf import KEY_COOKIE, ApiKeyAuthentication
from access.principals import Scope
from core.http import server_timing
from core.http.compression import compress_response

from .body_admission import check_large_body


class NoNegotiation(BaseContentNegotiation):
    """Leave the choice of a format to the view, which knows its data."""

    def select_parser(self, request: Request, parsers: Any) -> BaseParser | None:
        """Return None: views read the body as bytes."""
        return None

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Return any renderer: views render their responses themselves."""
        return JSONRenderer(), "application/json"


class ApiView(ScopedView):
    """A view of the API, which checks credentials and then the scopes of the requested method.

    Authenticators and permissions, which REST framework creates for each request, are shared.
    """

    permission_classes = (HasScopes,)
    parser_classes = ()
    accepts_data = False
    """Whether request bodies are data, which may be large, and not JSON."""
    http_method_names = ("get", "post", "put", "patch", "delete")

    _authenticators = (ApiKeyAuthentication(),)
    _permissions = (HasScopes(),)
    _negotiator = NoNegotiation()

    def get_authenticators(self) -> Any:
        """Return the authenticator of the API, one for all requests."""
        return self._authenticators

    def get_permissions(self) -> Any:
        """Return the check of scopes, one for all requests."""
        return self._permissions

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Handle the request, then break the reference cycle of view and request.

        Both hold the body and the response, which may be large files mapped into memory. Their
        size is unknown to the garbage collector, which would keep them for too long.
        """
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            self._break_cycle()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check access; the API does not use REST framework's versions and throttles."""
        self.check_access(request, **kwargs)
        server_timing.mark_authorized()

    def check_access(self, request: Request, **kwargs: Any) -> None:
        """Authenticate the request and check the scopes of its method. Raises ServiceError."""
        self.perform_authentication(request)
        self.check_permissions(request)

    def needed_scopes(self, request: Request) -> tuple[Scope, ...]:
        """Return the scopes that the method of the request needs."""
        return self.scopes.get(request.method or "", ())

    @classmethod
    def preflight_body(cls, request: HttpRequest, **kwargs: Any) -> HttpResponse | None:
        """Return the rejection of a large body, or None if the principal may send it.

        Runs the checks of the view and no handler; the body has not arrived yet.
        """
        view = cls()
        view.setup(request, **kwargs)
        asked = view.request = view.initialize_request(request, **kwargs)
        try:
            view.check_access(asked, **kwargs)
            check_large_body(view.needed_scopes(asked), accepts_data=cls.accepts_data)
        except Exception as error:  # noqa: BLE001  mapped as in `dispatch`; unknown ones are raised
            response: HttpResponse = view.handle_exception(error)
            return view.finalize_response(asked, response)  # type: ignore[no-any-return]
        finally:
            view._break_cycle()
        return None

    def _break_cycle(self) -> None:
        self.request.parser_context = {}
        self.__dict__.clear()

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Return no headers: the API adds its own elsewhere."""
        return {}

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the cookies and compress the response."""
        if CSRF_COOKIE not in request.COOKIES:
            _set_cookie(request, response, CSRF_COOKIE, secrets.token_urlsafe(32))
        key = request.query_params.get("api_key")
        if key and response.status_code < 400 and is_own_navigation(request):
            _set_cookie(request, response, KEY_COOKIE, key)
        return compress_response(request, response)


def _set_cookie(request: Request, response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, httponly=True, samesite="Lax", secure=request.is_secure())


class SlashAdded(HttpResponseRedirect):
    """Redirect to the same URL with a trailing slash, keeping method and body."""

    status_code = 307


@csrf_exempt
def add_slash(request: HttpRequest) -> HttpResponse:
    """Redirect the client to the URL with a trailing slash, keeping the query."""
    query = request.META.get("QUERY_STRING")
    return SlashAdded(f"{request.path}/{'?' + query if query else ''}")
