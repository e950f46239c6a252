"""Run Django for a request whose body has arrived, and prepare its response for sending."""

from __future__ import annotations

import io
from functools import lru_cache, partial
from typing import IO, Any, NamedTuple

from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import get_script_prefix as current_script_prefix
from django.urls import set_script_prefix
from django.utils.cache import patch_vary_headers

from access.api.exception_handler import error_response
from access.metrics import count_error
from core import request_record
from core.errors import ServiceError
from core.http import server_timing as durations
from core.http.buffer_responses import BufferResponse, Piece
from core.request_record import SCOPE_KEY, RequestRecord

from . import client_versions, health_views, request_ids
from .asgi_extensions import CONTINUE
from .cors import add_cors_headers, preflight_response
from .endpoints import UNKNOWN, endpoint_of
from .error_responses import Handler, error_middleware
from .request_bodies import BodyTooLarge, BufferedBody
from .request_metrics import record_phases
from .routes import route_name
from .security_headers import set_data_policy

API = ("/api/", "/zarr/")
Headers = list[tuple[bytes, bytes]]


class PreparedResponse(NamedTuple):
    """A response that is ready to be sent, with a `stream` instead of a `body` if it is chunked.

    `endpoint` is the name of what the request addressed, for metrics.
    """

    status: int
    headers: Headers
    body: Piece
    stream: Any = None
    endpoint: str = UNKNOWN


class RequestHandler(ASGIHandler):
    """Runs middleware and view in the calling thread.

    Pages have the middleware of the settings: sessions, users, messages. The API uses none of
    these, only `error_middleware` and `api_middleware`. Health endpoints have neither, since load
    balancers do not know the server's host name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self._pages: Any = self._middleware_chain
        self._api: Any = error_middleware(api_middleware(self._api_response))
        self._health: Any = error_middleware(self._health_response)
        self._preflight: Any = error_middleware(api_middleware(self._preflight_response))
        self._middleware_chain: Any = self._by_path

    def answer(self, scope: dict[str, Any], body: BufferedBody) -> PreparedResponse:
        """Return the response to a request whose body has arrived."""
        record, name = scope.get(SCOPE_KEY), _request_id(scope)
        named, known = request_ids.current.set(name), request_record.current.set(record)
        try:
            durations.start()
            response, endpoint = self._response(scope, body.file())
            response.headers[request_ids.HEADER] = name
            # The duration of an error would reveal whether a node exists that must stay hidden.
            if response.status_code < 400:
                response.headers["Server-Timing"] = durations.server_timing()
            encoding = response.headers.get("Content-Encoding")
            record_phases(scope["method"], response.status_code, endpoint, encoding)
            return self._sent(response, endpoint)
        finally:
            request_ids.current.reset(named)
            request_record.current.reset(known)

    def preflight_body(self, scope: dict[str, Any]) -> PreparedResponse | None:
        """Return the rejection of a request with a large body, or None if the body may be sent."""
        request, response = self._request(scope, io.BytesIO())
        if request is not None:
            if request.path_info.startswith(API):
                response = self._preflight(request)
            else:
                response = error_response(413, "The request body is too large for this endpoint.")
        if response.status_code == CONTINUE:
            return None
        response.headers[request_ids.HEADER] = _request_id(scope)
        return self._sent(response)

    def _response(self, scope: dict[str, Any], body: IO[bytes]) -> tuple[Any, str]:
        request, response = self._request(scope, body)
        if request is None:
            return response, UNKNOWN
        response = self.get_response(request)
        _complete(scope.get(SCOPE_KEY), request)
        return response, endpoint_of(request.resolver_match)

    def _request(self, scope: dict[str, Any], body: IO[bytes]) -> tuple[HttpRequest | None, Any]:
        """Create Django's request; if that fails, the error response in its place."""
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        request, error = self.create_request(scope, body)
        if error is not None:
            return None, error_response(error.status_code, "The request is malformed.")
        return request, None

    def _sent(self, response: Any, endpoint: str = UNKNOWN) -> PreparedResponse:
        status, headers = response.status_code, _headers(response)
        if response.streaming:
            return PreparedResponse(status, headers, b"", response, endpoint)
        answer = PreparedResponse(status, headers, _body(response), None, endpoint)
        response.close()
        return answer

    def _by_path(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info.startswith(API):
            chosen = self._api
        else:
            chosen = self._health if request.path_info in health_views.PATHS else self._pages
            record = request_record.current.get()
            if record is not None:
                record.find_principal = partial(_page_principal, request)
        response: HttpResponseBase = chosen(request)
        return response

    def _health_response(self, request: HttpRequest) -> HttpResponseBase:
        response = self._api_response(request)
        set_data_policy(request, response)
        return response

    def _api_response(self, request: HttpRequest) -> HttpResponseBase:
        view, arguments, named = self.resolve_request(request)
        response: HttpResponseBase = view(request, *arguments, **named)
        return response

    def _preflight_response(self, request: HttpRequest) -> HttpResponseBase:
        """Return the view's rejection of a large body, or an empty response of status 100."""
        view, arguments, named = self.resolve_request(request)
        view_class = getattr(view, "view_class", None)
        if view_class is None:
            response: HttpResponseBase = view(request, *arguments, **named)
            return response
        return view_class.preflight_body(request, **named) or HttpResponse(status=CONTINUE)


def api_middleware(get_response: Handler) -> Handler:
    """Return the API's middleware: host check, CORS, old clients, security headers, `Vary`."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.get_host()
        response = (
            preflight_response(request) or _reject_old_client(request) or get_response(request)
        )
        set_data_policy(request, response)
        add_cors_headers(request, response)
        response.headers["Vary"] = _vary(response.headers.get("Vary"))
        if isinstance(response, HttpResponse):
            response.headers["Content-Length"] = str(len(_body(response)))
        return response

    return middleware


@lru_cache(maxsize=64)
def _vary(before: str | None) -> str:
    """Return the `Vary` header with the request headers that all API responses depend on."""
    response = HttpResponse(headers={} if before is None else {"Vary": before})
    patch_vary_headers(response, ["Origin", "Authorization", "Cookie"])
    return response.headers["Vary"]


def _request_id(scope: dict[str, Any]) -> str:
    record = scope.get(SCOPE_KEY)
    return request_ids.request_id(scope["headers"]) if record is None else record.request_id


def _page_principal(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    if user is None:
        return ""
    return f"user:{user.get_username()}" if user.is_authenticated else "anonymous"


def _complete(record: RequestRecord | None, request: HttpRequest) -> None:
    """Add the route to the record of a request, and the user of a page."""
    if record is None:
        return
    if request.resolver_match is not None:
        record.route = route_name(request.resolver_match.route)
    # Only if the page has loaded it: to log a request must not query the database.
    if hasattr(request, "_cached_user") and not record.principal:
        record.principal = _page_principal(request)


def _reject_old_client(request: HttpRequest) -> HttpResponse | None:
    message = client_versions.rejection_message(request.META.get("HTTP_USER_AGENT", ""))
    return None if message is None else error_response(400, message)


def body_error_response(error: BodyTooLarge, scope: dict[str, Any]) -> PreparedResponse:
    """Return the response to a request whose body is too large or cannot be stored."""
    count_error(error, error.status)
    return _error(scope, error.status, str(error), error.headers)


def service_error_response(error: ServiceError, scope: dict[str, Any]) -> PreparedResponse:
    """Return the response to a request that was rejected before it reached Django."""
    count_error(error, error.status)
    return _error(scope, error.status, error.detail, error.headers)


def _error(
    scope: dict[str, Any], status: int, detail: str, headers: dict[str, str]
) -> PreparedResponse:
    name = _request_id(scope)
    response = error_response(status, detail, {request_ids.HEADER: name, **headers})
    response.headers["Content-Length"] = str(len(response.content))
    return PreparedResponse(response.status_code, _headers(response), response.content)


def _body(response: HttpResponse) -> Piece:
    return response.body if isinstance(response, BufferResponse) else response.content


def _headers(response: HttpResponseBase) -> Headers:
    for cookie in response.cookies.values():
        # Below a root path, so that another site of the same host neither gets nor replaces them.
        if cookie["path"] == "/":
            cookie["path"] = current_script_prefix().rstrip("/") or "/"
    cookies = [(b"Set-Cookie", c.OutputString().encode()) for c in response.cookies.values()]
    fields = response.headers.items()
    return [(name.encode(), value.encode("latin1")) for name, value in fields] + cookies
