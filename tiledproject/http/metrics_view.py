"""`/api/v1/metrics`: the metrics of all worker processes, for Prometheus."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from access.api.base import ApiView
from access.principals import Scope
from core.metrics.exposition import CONTENT_TYPE, exposition
from core.metrics.sources import refresh


class MetricsView(ApiView):
    """`metrics`."""

    scopes = {"GET": (Scope.metrics,)}
    # `metrics_schema` describes it, since it has no JSON.
    schema = None

    def get(self, request: Request) -> HttpResponse:
        """Return the metrics of all worker processes in the text format of Prometheus."""
        refresh()
        return HttpResponse(
            exposition(), content_type=CONTENT_TYPE, headers={"Cache-Control": "no-store"}
        )

    def check_access(self, request: Request, **kwargs: Any) -> None:
        """Accept the token of the settings; else check credentials and scopes."""
        if not settings.TILED.metrics.is_token(request.META.get("HTTP_AUTHORIZATION", "")):
            super().check_access(request, **kwargs)
