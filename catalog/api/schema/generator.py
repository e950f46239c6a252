"""The whole document, put together."""

from __future__ import annotations

from collections.abc import Iterator

from drf_spectacular.generators import SchemaGenerator

from tiled_client.wire.version import WIRE_VERSION

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
"""The modules that say something of views; they have said it once they are loaded."""

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
        "description": "For anything but reading, the value of the cookie `tiled_csrf` has to be "
        "said again, in the header `x-csrf`.",
    },
    "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}
HEADERS: Json = {
    "RequestID": {
        "description": "What to call this request by; the log knows it, too.",
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Send it in `If-None-Match` to get 304 if nothing has changed.",
        "schema": {"type": "string"},
    },
    "RetryAfter": {
        "description": "Ask again after so many seconds.",
        "schema": {"type": "integer", "minimum": 0},
    },
}
BUSY = {"429", "503", "507"}


def api_document() -> Json:
    """Return the API in OpenAPI 3.1."""
    document: Json = SchemaGenerator().get_schema(request=None, public=True)
    document["info"]["version"] = WIRE_VERSION
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
    """Say what drf-spectacular has no words for, and each refusal once for all operations."""
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
