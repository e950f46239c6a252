"""Parse a WebSocket handshake: path, query, headers. No I/O.

Source: docs/reference/tiled-protocol/streaming.md, WebSocket endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

import orjson

from access.authentication.credentials import Credentials
from access.authentication.jwt_tokens import read_access
from access.authentication.session_cookie import handshake_session_credentials
from access.config import authentication_settings
from access.unauthorized import invalid_token_error
from catalog.lookup.nodes import split_path
from core.errors import BadRequest, Forbidden, ServiceError, Unauthorized

from ...protocol.subscription_options import SubscriptionOptions, read_features


class EnvelopeFormat(StrEnum):
    """Encoding of messages, the query parameter `envelope_format`."""

    json = "json"
    msgpack = "msgpack"


class BadFirstMessage(ServiceError):
    """The first message of an unauthenticated connection is not an auth message."""

    close_code = 4001


@dataclass(frozen=True, slots=True)
class Handshake:
    """A requested subscription. `credentials` is None if the handshake carried none.

    Those of a browser session count if there are no others. With `announces_auth`, the client sends
    an auth message, also where none is required.
    """

    path: list[str]
    envelope: EnvelopeFormat
    options: SubscriptionOptions
    credentials: Credentials | None
    base_url: str
    user_agent: str = ""
    announces_auth: bool = False

    @classmethod
    def read(cls, scope: Mapping[str, Any]) -> Handshake:
        """Parse an ASGI scope.

        Raises Forbidden and InvalidOptions (query), BadRequest and Unauthorized (credentials).
        """
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        fields = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = {name: values[-1] for name, values in fields.items()}
        # Parsed even if a header is present: a bad token fails the handshake in any case.
        in_query = _query_token(query.get("access_token"))
        shown = _parse_authorization(headers.get("authorization")) or in_query
        announced = shown is None and _announces_auth(query.get("credentials"))
        if shown is None and not announced:
            shown = handshake_session_credentials(headers, _host(headers))
        return cls(
            path=split_path(scope["url_route"]["kwargs"]["path"]),
            envelope=_envelope(query.get("envelope_format")),
            options=SubscriptionOptions.parse(
                {**query, "columns": fields.get("columns")}, read_features(query.get("features"))
            ),
            credentials=shown,
            base_url=_base_url(scope, headers),
            user_agent=headers.get("user-agent", ""),
            announces_auth=announced,
        )


def first_message_credentials(text: str | None) -> Credentials:
    """Return the credentials of an auth message.

    Raises BadFirstMessage for any other message, and Unauthorized if it has no credentials.
    """
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


def _envelope(text: str | None) -> EnvelopeFormat:
    if text is None:
        return EnvelopeFormat.json
    try:
        return EnvelopeFormat(text)
    except ValueError as error:
        raise Forbidden(f"envelope_format must be json or msgpack, not {text!r}.") from error


def _announces_auth(text: str | None) -> bool:
    if text not in (None, "message"):
        raise Forbidden(f"credentials must be message, not {text!r}.")
    return text is not None


def _parse_authorization(authorization: str | None) -> Credentials | None:
    if authorization is None:
        return None
    scheme, _, secret = authorization.strip().partition(" ")
    if secret.strip() and scheme.lower() == "apikey":
        return Credentials("apikey", secret.strip())
    if secret.strip() and scheme.lower() == "bearer" and authentication_settings().multi_user:
        return Credentials("bearer", secret.strip())
    raise BadRequest("Authorization header must be formatted like 'Apikey SECRET'")


def _query_token(token: str | None) -> Credentials | None:
    """Return the access token of the query, an empty one counting as absent.

    Raises Unauthorized for an invalid token.
    """
    if not token:
        return None
    if not authentication_settings().multi_user:
        raise invalid_token_error()
    read_access(token)
    return Credentials("bearer", token)


def _base_url(scope: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    # Several proxies make a list, of which the first is the one that the client connected to.
    protocol = (
        headers.get("x-forwarded-proto", scope.get("scheme", "ws")).split(",")[0].strip().lower()
    )
    scheme = "https" if protocol in ("https", "wss") else "http"
    return f"{scheme}://{_host(headers)}{scope.get('root_path', '')}"


def _host(headers: Mapping[str, str]) -> str:
    return headers.get("x-forwarded-host", headers.get("host", "")).split(",")[0].strip()
