"""Django between a request that has arrived whole and a response that is ready to be sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.core.signals import request_started
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix

from catalog.api.errors import error_response

from .bodies import Body, TooLarge

API = "/api/"
Handler = Callable[[HttpRequest], HttpResponseBase]
Headers = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """A response as it is sent; `stream` instead of `body` where it comes piece by piece."""

    status: int
    headers: Headers
    body: bytes
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
        self._api: Any = convert_exception_to_response(guarded(self._api_response))
        self._middleware_chain: Any = self._by_path

    def answer(self, scope: dict[str, Any], body: Body) -> Answer:
        """Everything from the arrival of a request to the end of Django's work on it."""
        set_script_prefix(get_script_prefix(scope))
        request_started.send(sender=type(self), scope=scope)
        request, refusal = self.create_request(scope, body.file())
        response: Any = refusal if request is None else self.get_response(request)
        if response.streaming:
            return Answer(response.status_code, _headers(response), b"", response)
        answer = Answer(response.status_code, _headers(response), response.content)
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


def guarded(get_response: Handler) -> Handler:
    """Middleware for programs: the host is one of ours, and a body is what it is said to be."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.get_host()
        response = get_response(request)
        response.headers["X-Content-Type-Options"] = "nosniff"
        if isinstance(response, HttpResponse):
            response.headers["Content-Length"] = str(len(response.content))
        return response

    return middleware


def too_large(error: TooLarge) -> Answer:
    """The answer to a request whose body is larger than any may be."""
    response = error_response(413, str(error))
    response.headers["Content-Length"] = str(len(response.content))
    return Answer(response.status_code, _headers(response), response.content)


def _headers(response: HttpResponseBase) -> Headers:
    cookies = [(b"Set-Cookie", c.OutputString().encode()) for c in response.cookies.values()]
    fields = response.headers.items()
    return [(name.encode(), value.encode("latin1")) for name, value in fields] + cookies
