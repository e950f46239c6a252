"""What a WebSocket handshake asks for: read and judged, nothing looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

import orjson

from access.errors import BadRequest, Forbidden, ServiceError, Unauthorized
from catalog.nodes import split_path

from ..terms import Terms, read_features


class Envelope(StrEnum):
    """How messages are written."""

    json = "json"
    msgpack = "msgpack"


class BadFirstMessage(ServiceError):
    """The first message of a connection is not the credentials that it has to be."""

    close_code = 4001


@dataclass(frozen=True, slots=True)
class Handshake:
    """A subscription that is asked for. `key` is None if the handshake carried none."""

    path: list[str]
    envelope: Envelope
    terms: Terms
    key: str | None
    base_url: str

    @classmethod
    def read(cls, scope: Mapping[str, Any]) -> Handshake:
        """Read an ASGI scope.

        Raises Forbidden and BadTerms (query), BadRequest and Unauthorized (credentials).
        """
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        fields = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = {name: values[-1] for name, values in fields.items()}
        if query.get("access_token"):
            raise Unauthorized(
                "Could not validate credentials", headers={"WWW-Authenticate": "Bearer"}
            )
        return cls(
            path=split_path(scope["url_route"]["kwargs"]["path"]),
            envelope=_envelope(query.get("envelope_format")),
            terms=Terms.read(
                {**query, "columns": fields.get("columns")}, read_features(query.get("features"))
            ),
            key=_key(headers.get("authorization")),
            base_url=_base_url(scope, headers),
        )


def first_message_key(text: str | None) -> str:
    """The key in a first message. Raises BadFirstMessage, or Unauthorized if it has none."""
    try:
        message = orjson.loads(text or "")
    except orjson.JSONDecodeError as error:
        raise BadFirstMessage("Expected JSON auth message") from error
    if not isinstance(message, dict) or message.get("type") != "auth":
        raise BadFirstMessage('Expected {"type": "auth", ...}')
    key = message.get("api_key")
    if not isinstance(key, str) or not key:
        raise Unauthorized("Authentication failed")
    return key


def _envelope(text: str | None) -> Envelope:
    if text is None:
        return Envelope.json
    try:
        return Envelope(text)
    except ValueError as error:
        raise Forbidden(f"envelope_format must be json or msgpack, not {text!r}.") from error


def _key(authorization: str | None) -> str | None:
    if authorization is None:
        return None
    scheme, _, key = authorization.strip().partition(" ")
    if scheme.lower() != "apikey" or not key.strip():
        raise BadRequest("Authorization header must be formatted like 'Apikey SECRET'")
    return key.strip()


def _base_url(scope: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    # Several proxies make a list; the first is the one that the client talked to.
    protocol = (
        headers.get("x-forwarded-proto", scope.get("scheme", "ws")).split(",")[0].strip().lower()
    )
    scheme = "https" if protocol in ("https", "wss") else "http"
    host = headers.get("x-forwarded-host", headers.get("host", "")).split(",")[0].strip()
    return f"{scheme}://{host}{scope.get('root_path', '')}"
