"""OpenAPI description of the metrics."""

from __future__ import annotations

from typing import Any

ERRORS = {
    "400": "The request is malformed.",
    "401": "No credentials with this scope.",
    "403": "Not permitted.",
    "422": "A value is invalid.",
}


def metrics_path(credentials: tuple[str, ...]) -> dict[str, Any]:
    """Return the description of the path, with the schemes by which clients authenticate."""
    found = {
        "description": "Metrics in the text format of Prometheus.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
    errors = {status: {"description": text} for status, text in ERRORS.items()}
    return {
        "get": {
            "operationId": "get_metrics",
            "summary": "Return the metrics of all worker processes",
            "description": "Requires `metrics`, or the token of the setting `metrics.token`.",
            "tags": ["metrics"],
            "security": [{name: ["metrics"]} for name in credentials],
            "responses": {"200": found, **errors},
        }
    }
