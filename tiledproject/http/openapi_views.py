"""The API's description in OpenAPI, and a page to read it and try requests."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from access.authentication.csrf import csrf_token, set_csrf_cookie
from core.http.urls import root_path

from .health_schema import HEALTH_PATHS
from .ingest_schema import ingest_path
from .metrics_schema import metrics_path
from .views import only_get

JSON = "application/json"
PAGE = "tiledproject/docs.html"
# Swagger UI uses inline styles, and images in its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@only_get
def openapi(request: HttpRequest) -> HttpResponse:
    """Return the OpenAPI document."""
    return HttpResponse(document_bytes(root_path(request)), content_type=JSON)


@only_get
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """Return the documentation page, with all its assets from this server.

    It has the token by which requests that are tried in it may use the session of the browser.
    """
    token = csrf_token(request)
    response = render(request, PAGE, {"csrf": token})
    response.headers["Content-Security-Policy"] = POLICY
    set_csrf_cookie(request, response, token)
    return response


def document() -> dict[str, Any]:
    """Build the OpenAPI 3.1 document of the whole site."""
    # Imported at first use, because few servers need it and it is slow to import.
    from catalog.api.schema.generator import api_document
    from catalog.api.schema.views import CREDENTIALS

    whole = api_document()
    whole["paths"].update(HEALTH_PATHS)
    whole["paths"]["/api/v1/metrics"] = metrics_path(CREDENTIALS)
    whole["paths"]["/api/v1/ingest"] = ingest_path(CREDENTIALS)
    return whole


@lru_cache(maxsize=8)
def document_bytes(root_path: str = "") -> bytes:
    """Return the serialized document, built once for each path below which the site is served."""
    whole = document()
    if root_path:
        whole["servers"] = [{"url": root_path}]
    return orjson.dumps(whole)
