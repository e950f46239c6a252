"""Assemble the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterator

from drf_spectacular.generators import SchemaGenerator

from core.version import VERSION

from . import (
    about,
    arrays,
    assets,
    auth,
    containers,
    metadata,
    ragged_awkward,
    registration,
    search,
    tables,
)
from .auth_documents import AUTH_DOCUMENTS
from .documents import DOCUMENTS
from .operations import Json
from .structures import STRUCTURES

ENTRIES = (
    about,
    arrays,
    assets,
    auth,
    containers,
    registration,
    metadata,
    ragged_awkward,
    search,
    tables,
)
"""The modules that describe views, as a side effect of their import."""

SECURITY: Json = {
    "ApikeyHeader": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Apikey SECRET`",
    },
    "ApikeyQuery": {"type": "apiKey", "in": "query", "name": "api_key"},
    "ApikeyCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "tiled_api_key",
        "description": "Requests other than GET must repeat the cookie `tiled_csrf` in the header "
        "`x-csrf`.",
    },
    "SessionCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "sessionid",
        "description": "The session of a browser that logged in at `/ui/login`, for pages of the "
        "same origin. Requests other than GET must repeat the cookie `tiled_csrf`, too.",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
HEADERS: Json = {
    "RequestID": {
        "description": "The id of this request, which is also in the log.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Send it as `If-None-Match` to receive 304 if nothing has changed.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Seconds after which to repeat the request.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
BUSY = {"429", "503", "507"}


def api_document() -> Json:
    """Return the OpenAPI 3.1 document of the API."""
    document: Json = SchemaGenerator().get_schema(request=None, public=True)
    document["info"]["version"] = VERSION
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(sorted({**AUTH_DOCUMENTS, **DOCUMENTS, **STRUCTURES}.items()))
    document["components"].update(securitySchemes=SECURITY, headers=HEADERS, responses={})
    for operation in _operations(document):
        _finish(operation, document["components"]["responses"])
    return document


def _operations(document: Json) -> Iterator[Json]:
    for methods in document["paths"].values():
        yield from methods.values()


def _finish(operation: Json, shared: Json) -> None:
    """Add response headers and `required`, and replace error responses by shared components."""
    for status, response in operation["responses"].items():
        response["headers"] = _headers(status)
        if status >= "400":
            shared[status] = response
            operation["responses"][status] = {"$ref": f"#/components/responses/{status}"}
    if body := operation.get("requestBody"):
        body["required"] = not operation.pop("x-body-optional", False)


def _headers(status: str) -> Json:
    names = {"X-Tiled-Request-ID": "RequestID"}
    if status in BUSY:
        names["Retry-After"] = "RetryAfter"
    if status == "304":
        names["ETag"] = "ETag"
    return {name: {"$ref": f"#/components/headers/{held}"} for name, held in names.items()}
