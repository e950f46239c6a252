"""Parsing of request bodies below `auth/`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import QueryDict
from rest_framework.request import Request

from access.api_keys.issuing import ApiKeyRequest
from core.errors import Invalid
from core.http.requests import body_of_type, content_type, json_body

FORM = "application/x-www-form-urlencoded"
MAX_NAME_LENGTH = 255
MAX_NAMES = 200
MAX_LIFETIME_SECONDS = 100 * 365 * 86400


def form(request: Request, *names: str) -> dict[str, str]:
    """Return the fields of a form, which must have all of `names`. Raises Invalid."""
    if content_type(request) != FORM:
        raise Invalid(f"The body must be {FORM}.")
    fields = QueryDict(body_of_type(request, FORM), encoding="utf-8")
    for name in names:
        if not fields.get(name):
            raise Invalid(f"The field {name} is missing.")
    return {name: str(fields[name]) for name in fields}


def json_object(request: Request) -> dict[str, Any]:
    """Return the body, which must be a JSON object. Raises Invalid."""
    value = json_body(request)
    if not isinstance(value, dict):
        raise Invalid(f"The body must be a JSON object, not {value!r}.")
    return value


def text_field(body: dict[str, Any], name: str) -> str:
    """Return a required string. Raises Invalid."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid(f"{name} must be a text, not {value!r}.")
    return value


def read_key_request(request: Request) -> ApiKeyRequest:
    """Return the requested key. Raises Invalid."""
    body = json_object(request)
    for name in ("scopes", "expires_in"):
        if name not in body:
            raise Invalid(f"{name} is missing; it may be null.")
    scopes, note = _names(body, "scopes"), body.get("note")
    if scopes is not None and not scopes:
        raise Invalid("A key needs at least one scope; null stands for all that you have.")
    if note is not None and (not isinstance(note, str) or len(note) > MAX_NAME_LENGTH):
        raise Invalid(f"note must be a text of at most {MAX_NAME_LENGTH} characters.")
    if "\0" in (note or ""):
        raise Invalid("note must not have the character NUL.")
    return ApiKeyRequest(
        scopes, _lifetime(body["expires_in"]), _names(body, "access_tags"), note or ""
    )


def _names(body: dict[str, Any], field: str) -> frozenset[str] | None:
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Invalid(f"{field} must be a list of texts, or null, not {value!r}.")
    if len(value) > MAX_NAMES or any(not 0 < len(name) <= MAX_NAME_LENGTH for name in value):
        raise Invalid(
            f"{field} may have at most {MAX_NAMES} names of 1 to {MAX_NAME_LENGTH} characters."
        )
    if any("\0" in name for name in value):
        raise Invalid(f"{field} must not have the character NUL.")
    return frozenset(value)


def _lifetime(value: Any) -> timedelta | None:
    # The Python client sends whole seconds as a float.
    if value is None:
        return None
    whole = isinstance(value, float) and value.is_integer()
    if isinstance(value, bool) or not (isinstance(value, int) or whole):
        raise Invalid(f"expires_in must be whole seconds, or null, not {value!r}.")
    if not 0 < value <= MAX_LIFETIME_SECONDS:
        raise Invalid(
            f"expires_in must be from 1 to {MAX_LIFETIME_SECONDS} seconds, not {value!r}."
        )
    return timedelta(seconds=int(value))
