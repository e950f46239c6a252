"""JSON Schemas of the request bodies and responses below `auth/`."""

from __future__ import annotations

from access.api.device_views import DEVICE_CODE_GRANT
from access.api.request_bodies import MAX_LIFETIME_SECONDS, MAX_NAME_LENGTH, MAX_NAMES
from access.principals import Kind, Scope
from access.roles import Role

from .operations import Json, reference
from .structures import OBJECT, SIZE, TEXT, described, list_of, or_null

NAME: Json = {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH}
NAMES = or_null(list_of(NAME, maxItems=MAX_NAMES))
MOMENT: Json = {"type": "string", "format": "date-time"}
SECONDS: Json = {"type": "number", "minimum": 0}
HEX: Json = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TOKEN: Json = {"type": "string", "minLength": 1}

_KEY: dict[str, Json] = {
    "first_eight": {"type": "string", "description": "Identifies the key."},
    "expiration_time": or_null(MOMENT),
    "note": or_null(TEXT),
    "scopes": list_of(TEXT),
    "access_tags": or_null(list_of(TEXT)),
    "latest_activity": or_null(MOMENT),
}
_TOKENS: dict[str, Json] = {
    "access_token": TOKEN,
    "expires_in": SECONDS,
    "refresh_token": TOKEN,
    "refresh_token_expires_in": SECONDS,
    "token_type": {"const": "bearer"},
}

AUTH_DOCUMENTS: dict[str, Json] = {
    "Principal": described(
        {
            "uuid": HEX,
            "type": {"type": "string", "enum": [kind.value for kind in Kind]},
            "identities": list_of(
                described({"id": TEXT, "provider": TEXT, "latest_login": or_null(MOMENT)})
            ),
            "roles": list_of(
                described(
                    {
                        "name": {"type": "string", "enum": [role.value for role in Role]},
                        "scopes": list_of(
                            {"type": "string", "enum": [scope.value for scope in Scope]}
                        ),
                    }
                )
            ),
            "api_keys": list_of(reference("Key")),
            "sessions": list_of(
                described(
                    {
                        "uuid": HEX,
                        "expiration_time": MOMENT,
                        "revoked": {"type": "boolean"},
                        "state": OBJECT,
                    }
                )
            ),
            "latest_activity": or_null(MOMENT),
        }
    ),
    "Key": described(_KEY),
    "MadeKey": described(
        {
            **_KEY,
            "secret": {
                "type": "string",
                "description": "Returned only once; the server stores a hash.",
            },
        }
    ),
    "WantedKey": described(
        {
            "scopes": {
                **NAMES,
                "description": "null: all scopes that the principal has at each request.",
            },
            "expires_in": or_null(
                {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_LIFETIME_SECONDS,
                    "description": "Seconds",
                }
            ),
            "access_tags": NAMES,
            "note": or_null({"type": "string", "maxLength": MAX_NAME_LENGTH}),
        },
        optional=("access_tags", "note"),
    ),
    "RefreshToken": described({"refresh_token": TOKEN}),
    "Tokens": described(_TOKENS),
    "LoggedIn": described(
        {**_TOKENS, "identity": described({"id": TEXT, "provider": TEXT}), "principal": HEX}
    ),
    "Password": described(
        {"grant_type": {"const": "password"}, "username": TOKEN, "password": TOKEN},
        optional=("grant_type",),
    ),
    "DeviceCode": described({"grant_type": {"const": DEVICE_CODE_GRANT}, "device_code": TOKEN}),
    "Device": described(
        {
            "authorization_uri": {
                "type": "string",
                "description": "The page that the user opens in a browser.",
            },
            "verification_uri": {
                "type": "string",
                "description": "The endpoint that the client polls for the tokens.",
            },
            "interval": {**SIZE, "description": "Minimum time between two polls, in seconds."},
            "device_code": TOKEN,
            "expires_in": SIZE,
            "user_code": {
                "type": "string",
                "description": "The code that the user enters on the page.",
            },
        }
    ),
}
