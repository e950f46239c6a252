"""Django between a request that has arrived whole and a response that is ready to be sent."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import IO, Any, NamedTuple

from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix
from django.utils.cache import patch_vary_headers

from access.api.body_admission import PreflightAccepted, mark_preflight
from access.api.exception_handler import error_response
from core.errors import ServiceError
from core.http import server_timing as durations
from core.http.buffer_responses import BufferResponse, Piece

from . import client_versions, request_ids
from .cors import add_cors_headers, preflight_response
from .error_responses import Handler, error_middleware
from .request_bodies import BodyTooLarge, BufferedBody
from .security_headers import set_data_policy

API = ("/api/", "/zarr/")
Headers = list[tuple[bytes, bytes]]


class PreparedResponse(NamedTuple):
    """A response as it is sent; `stream` instead of `body` where it comes piece by piece."""

    status: int
    headers: Headers
    body: Piece
    stream: Any = None


class RequestHandler(ASGIHandler):
    """Runs middleware and view in the calling thread.

    Pages have the middleware of the settings: sessions, users, messages. The API knows none of
    these; what it needs of middleware is `guarded`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self._pages: Any = self._middleware_chain
        self._api: Any = error_middleware(api_middleware(self._api_response))
        self._middleware_chain: Any = self._by_path

    def answer(self, scope: dict[str, Any], body: BufferedBody) -> PreparedResponse:
        """Everything from the arrival of a request to the end of Django's work on it."""
        name = request_ids.request_id(scope["headers"])
        named = request_ids.current.set(name)
        try:
            durations.start()
            response = self._response(scope, body.file())
            response.headers[request_ids.HEADER] = name
            # How long a refusal took would say whether there is something that may not be seen.
            if response.status_code < 400:
                response.headers["Server-Timing"] = durations.server_timing()
            return self._sent(response)
        finally:
            request_ids.current.reset(named)

    def preflight_body(self, scope: dict[str, Any]) -> PreparedResponse | None:
        """The answer to a request that may not bring a large body; None where it may."""
        name = request_ids.request_id(scope["headers"])
        try:
            response = self._response(scope, io.BytesIO(), only_ask=True)
        except PreflightAccepted:
            return None
        response.headers[request_ids.HEADER] = name
        return self._sent(response)

    def _response(self, scope: dict[str, Any], body: IO[bytes], *, only_ask: bool = False) -> Any:
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body)
        if refusal is not None:
            return error_response(refusal.status_code, "This request cannot be read.")
        assert request is not None
        if only_ask:
            if not request.path_info.startswith(API):
                return error_response(413, "No page takes so large a body.")
            mark_preflight(request)
        return self.get_response(request)

    def _sent(self, response: Any) -> PreparedResponse:
        if response.streaming:
            return PreparedResponse(response.status_code, _headers(response), b"", response)
        answer = PreparedResponse(response.status_code, _headers(response), _body(response))
        response.close()
        return answer

    def _by_path(self, request: HttpRequest) -> HttpResponseBase:
        chosen = self._api if request.path_info.startswith(API) else self._pages
        response: HttpResponseBase = chosen(request)
        return response

    def _api_response(self, request: HttpRequest) -> HttpResponseBase:
        view, arguments, named = self.resolve_request(request)
        response: HttpResponseBase = view(request, *arguments, **named)
        return response


def api_middleware(get_response: Handler) -> Handler:
    """Middleware for programs: the host is one of ours, and a body is what it is said to be.

    Browsers are told which pages may read it.
    """

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
    """Return the header `Vary` with what every answer of the API depends on."""
    response = HttpResponse(headers={} if before is None else {"Vary": before})
    patch_vary_headers(response, ["Origin", "Authorization", "Cookie"])
    return response.headers["Vary"]


def _reject_old_client(request: HttpRequest) -> HttpResponse | None:
    told = client_versions.rejection_message(request.META.get("HTTP_USER_AGENT", ""))
    return None if told is None else error_response(400, told)


def body_error_response(error: BodyTooLarge, scope: dict[str, Any]) -> PreparedResponse:
    """The answer to a request whose body is larger than any may be."""
    return _error(scope, error.status, str(error), error.headers)


def service_error_response(error: ServiceError, scope: dict[str, Any]) -> PreparedResponse:
    """The answer to a request that was refused before any view could look at it."""
    return _error(scope, error.status, error.detail, error.headers)


def _error(
    scope: dict[str, Any], status: int, detail: str, headers: dict[str, str]
) -> PreparedResponse:
    name = request_ids.request_id(scope["headers"])
    response = error_response(status, detail, {request_ids.HEADER: name, **headers})
    response.headers["Content-Length"] = str(len(response.content))
    return PreparedResponse(response.status_code, _headers(response), response.content)


def _body(response: HttpResponse) -> Piece:
    return response.body if isinstance(response, BufferResponse) else response.content


def _headers(response: HttpResponseBase) -> Headers:
    cookies = [(b"Set-Cookie", c.OutputString().encode()) for c in response.cookies.values()]
    fields = response.headers.items()
    return [(name.encode(), value.encode("latin1")) for name, value in fields] + cookies
