"""OpenAPI description of the ingest endpoint."""

from __future__ import annotations

from typing import Any

from tiled_client.wire.ingest import MEDIA_TYPE

BINARY = {"type": "string", "format": "binary"}
ERRORS = {
    "400": "The body is not a list of frames.",
    "401": "No credentials with this scope.",
    "403": "Not permitted.",
    "413": "The body is too large.",
    "415": "The body has another media type.",
    "422": "A value is invalid.",
    "503": "Temporarily unavailable.",
}


def ingest_path(credentials: tuple[str, ...]) -> dict[str, Any]:
    """Return the description of the path, with the schemes by which clients authenticate."""
    found = {
        "description": "The replies, as a msgpack list. Errors of frames are among them.",
        "content": {MEDIA_TYPE: {"schema": BINARY}},
    }
    errors = {status: {"description": text} for status, text in ERRORS.items()}
    return {
        "post": {
            "operationId": "write_frames",
            "summary": "Carry out many writes to many nodes",
            "description": "Requires `write:data`. The body has frames of the ingest protocol, "
            "each behind its length; see docs/reference/ingest.md. A WebSocket at this path takes "
            "the same frames.",
            "tags": ["ingest"],
            "security": [{name: ["write:data"]} for name in credentials],
            "requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": BINARY}}},
            "responses": {"200": found, **errors},
        }
    }
