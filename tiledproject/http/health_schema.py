"""OpenAPI description of the health endpoints."""

from __future__ import annotations

from typing import Any

JSON = "application/json"
TEXT = {"type": "string"}
BACKENDS = ("database", "migrations", "storage", "streaming")
ALIVE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "status": {"const": "ready"},
        "version": {**TEXT, "description": "Version of the server."},
        "longest_lock_wait": {
            "type": "number",
            "description": "For how many seconds a write waits for another one to the same node.",
        },
    },
    "required": ["status", "version"],
}
FINDING_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "status": {"enum": ["ok", "degraded", "unavailable"]},
        "detail": {**TEXT, "description": "The reason, unless the status is `ok`."},
    },
    "required": ["status"],
}
READINESS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "status": {"enum": ["ready", "degraded", "unavailable", "stopping"]},
        "version": {**TEXT, "description": "Version of the server."},
        "checks": {
            "type": "object",
            "properties": dict.fromkeys(BACKENDS, FINDING_SCHEMA),
            "required": list(BACKENDS),
        },
        "detail": {**TEXT, "description": "All reasons, unless the status is `ready`."},
    },
    "required": ["status", "version", "checks"],
}


def _operation(name: str, summary: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {
        "get": {
            "operationId": f"get_{name}",
            "summary": summary,
            "description": "Needs no credentials.",
            "tags": [name],
            "responses": responses,
        }
    }


def _response(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": schema}}}


HEALTH_PATHS: dict[str, Any] = {
    "/healthz": _operation(
        "healthz",
        "Whether this server process is alive",
        {"200": _response("It is.", ALIVE_SCHEMA)},
    ),
    "/readyz": _operation(
        "readyz",
        "Whether requests should be sent to this server",
        {
            "200": _response("They should, although some of it may be degraded.", READINESS_SCHEMA),
            "503": _response("They should not: the reasons.", READINESS_SCHEMA),
        },
    ),
}
