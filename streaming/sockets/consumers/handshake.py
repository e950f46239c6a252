"""What a WebSocket handshake asks for: read and judged, nothing looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

import orjson

from access.authentication.credentials import Credentials
from access.authentication.jwt_tokens import invalid, read_access
from access.config import authentication_settings
from catalog.lookup.nodes import split_path
from core.errors import BadRequest, Forbidden, ServiceError, Unauthorized

from ...protocol.subscription_options import SubscriptionOptions, read_features


class Envelope(StrEnum):
    """How messages are written."""

    json = "json"
    msgpack = "msgpack"


class BadFirstMessage(ServiceError):
    """The first message of a connection is not the credentials that it has to be."""

    close_code = 4001


@dataclass(frozen=True, slots=True)
class Handshake:
    """A subscription that is asked for. `credentials` is None if the handshake carried none."""

    path: list[str]
    envelope: Envelope
    terms: SubscriptionOptions
    credentials: Credentials | None
    base_url: str
    user_agent: str = ""

    @classmethod
    def read(cls, scope: Mapping[str, Any]) -> Handshake:
        """Read an ASGI scope.

        Raises Forbidden and InvalidOptions (query), BadRequest and Unauthorized (credentials).
        """
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        fields = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = {name: values[-1] for name, values in fields.items()}
        in_query = _token(query.get("access_token"))
        return cls(
            path=split_path(scope["url_route"]["kwargs"]["path"]),
            envelope=_envelope(query.get("envelope_format")),
            terms=SubscriptionOptions.parse(
                {**query, "columns": fields.get("columns")}, read_features(query.get("features"))
            ),
            credentials=_in_header(headers.get("authorization")) or in_query,
            base_url=_base_url(scope, headers),
            user_agent=headers.get("user-agent", ""),
        )


def first_message_credentials(text: str | None) -> Credentials:
    """What a first message shows. Raises BadFirstMessage, or Unauthorized if that is nothing."""
    try:
        message = orjson.loads(text or "")
    except orjson.JSONDecodeError as error:
        raise BadFirstMessage("Expected JSON auth message") from error
    if not isinstance(message, dict) or message.get("type") != "auth":
        raise BadFirstMessage('Expected {"type": "auth", ...}')
    key, token = message.get("api_key"), message.get("access_token")
    if isinstance(key, str) and key:
        return Credentials("apikey", key)
    if isinstance(token, str) and token:
        return Credentials("bearer", token)
    raise Unauthorized("Authentication failed")


def _envelope(text: str | None) -> Envelope:
    if text is None:
        return Envelope.json
    try:
        return Envelope(text)
    except ValueError as error:
        raise Forbidden(f"envelope_format must be json or msgpack, not {text!r}.") from error


def _in_header(authorization: str | None) -> Credentials | None:
    if authorization is None:
        return None
    scheme, _, secret = authorization.strip().partition(" ")
    if secret.strip() and scheme.lower() == "apikey":
        return Credentials("apikey", secret.strip())
    if secret.strip() and scheme.lower() == "bearer" and authentication_settings().multi_user:
        return Credentials("bearer", secret.strip())
    raise BadRequest("Authorization header must be formatted like 'Apikey SECRET'")


def _token(token: str | None) -> Credentials | None:
    """The token of the query, which has to be a right one even if there is a key as well."""
    if not token:
        return None
    if not authentication_settings().multi_user:
        raise invalid()
    read_access(token)
    return Credentials("bearer", token)


def _base_url(scope: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    # Several proxies make a list; the first is the one that the client talked to.
    protocol = (
        headers.get("x-forwarded-proto", scope.get("scheme", "ws")).split(",")[0].strip().lower()
    )
    scheme = "https" if protocol in ("https", "wss") else "http"
    host = headers.get("x-forwarded-host", headers.get("host", "")).split(",")[0].strip()
    return f"{scheme}://{host}{scope.get('root_path', '')}"
