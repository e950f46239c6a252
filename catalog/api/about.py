"""The API root: information about the server.

Source: docs/reference/tiled-protocol/http.md, "`GET V/` — About".
"""

from __future__ import annotations

import time

from django.http import HttpResponse
from django.utils.http import http_date
from rest_framework.request import Request

from access.api.about import authentication_block
from access.api.base import ApiView
from core.http.responses import render
from core.http.urls import API, ROOT_PATH, base_url, root_path
from core.version import VERSION
from tiled_client.wire.version import WIRE_VERSION

from ..formats import formats
from ..queries.filters import FILTERS

CACHE_SECONDS = 600
"""Time for which clients may cache the response."""


class AboutView(ApiView):
    """The API's root."""

    def get(self, request: Request) -> HttpResponse:
        """Return formats, authentication providers and links."""
        base = base_url(request)
        about = {
            "api_version": 0,
            "library_version": WIRE_VERSION,
            "formats": formats().listed(),
            "aliases": formats().aliases(),
            "queries": list(FILTERS),
            "authentication": authentication_block(base),
            "links": {"self": base, "documentation": f"{base.removesuffix(API)}/docs"},
            "meta": {
                "root_path": root_path(request) + ROOT_PATH,
                "idempotency_keys": True,
                "version": VERSION,
            },
        }
        return render(request, about, headers={"Expires": http_date(time.time() + CACHE_SECONDS)})
