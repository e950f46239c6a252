"""Parsing of requests: query parameters and bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

import orjson
from rest_framework.request import Request

from core.bounds import bounds, exceeded
from core.errors import Invalid, TooLarge, UnsupportedMedia
from core.json_limits import check_json

from ..mapped_files import BytesLike, map_file

TRUE = {"true", "1", "yes", "on", "t", "y"}
FALSE = {"false", "0", "no", "off", "f", "n"}
# No index of an array has more digits, and Python refuses to parse numbers of thousands of digits.
SIZES = re.compile(r"[0-9]{1,18}(,[0-9]{1,18})*")
MANY_DIGITS = re.compile(rb"[0-9]{19}")
# Each value in JSON follows one of these.
SEPARATORS = (b",", b"[", b"{")
IDENTITY = "identity"
JSON_TYPES = {"", "application/json"}


def content_type(request: Request) -> str:
    """Return the media type of the body without parameters, in lower case; empty if missing."""
    return (request.META.get("CONTENT_TYPE") or "").partition(";")[0].strip().lower()


def body_of_type(request: Request, *allowed: str) -> bytes:
    """Return the body, of one of the `allowed` media types. Raises UnsupportedMedia."""
    _check_type(request, allowed)
    return raw_body(request)


def data_of_type(
    request: Request, *allowed: str, encodings: Collection[str] = (IDENTITY,)
) -> BytesLike:
    """Return the body like `body_of_type`, but mapped if it was buffered in a file.

    It may have one of `encodings` (see `content_encoding`).
    """
    _check_type(request, allowed, encodings)
    return data(request)


def content_encoding(request: Request) -> str:
    """Return the content coding of the body in lower case; `identity` if there is none."""
    return (request.META.get("HTTP_CONTENT_ENCODING") or IDENTITY).strip().lower()


def _check_type(
    request: Request, allowed: tuple[str, ...], encodings: Collection[str] = (IDENTITY,)
) -> None:
    if content_type(request) not in allowed:
        raise UnsupportedMedia(
            f"The Content-Type must be {' or '.join(allowed)}, not "
            f"{request.META.get('CONTENT_TYPE') or 'absent'}."
        )
    if content_encoding(request) not in encodings:
        known, found = ", ".join(encodings), content_encoding(request)
        raise UnsupportedMedia(
            f"The Content-Encoding must be {known} or absent, not {found!r:.50}.",
            headers={"Accept-Encoding": known},
        )


def raw_body(request: Request) -> bytes:
    """Return the bytes of the body."""
    return bytes(request._request.body)


def data(request: Request) -> BytesLike:
    """Return the body; a mapped file if it was buffered in one."""
    stream = getattr(request._request, "_stream", None)
    try:
        stream.fileno()  # type: ignore[union-attr]
    except (AttributeError, OSError):
        return raw_body(request)
    assert stream is not None
    return map_file(stream)


def json_body(request: Request) -> Any:
    """Return the body as JSON, also without a Content-Type. Raises Invalid and TooLarge."""
    if content_type(request) not in JSON_TYPES:
        raise Invalid(f"The body must be application/json, not {content_type(request)}.")
    body = bounded_json(data(request))
    try:
        value = orjson.loads(body)
        check_json(value)
        if MANY_DIGITS.search(body):
            # orjson makes floats of integers that have more than 64 bits.
            check_json(json.loads(body))
    except ValueError as error:
        raise Invalid(f"The body is not valid JSON: {error}.") from error
    return value


def bounded_json(body: BytesLike) -> bytes:
    """Return a body that is JSON. Raise TooLarge before anything of it is parsed."""
    if len(body) > bounds().json_body:
        raise TooLarge(exceeded("Bytes in the JSON body", len(body), "json_body"))
    content = bytes(body)
    # Separators within strings count as well: an upper bound on the values, without a parser.
    values = sum(map(content.count, SEPARATORS))
    if values > bounds().json_values:
        raise TooLarge(exceeded("Values in the JSON body", values, "json_values"))
    return content


def flag(request: Request, name: str, default: bool) -> bool:
    """Return a boolean query parameter. Raises Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.lower() not in TRUE | FALSE:
        raise Invalid(f"The query parameter {name} must be true or false, not {text!r}.")
    return text.lower() in TRUE


def integer(
    request: Request,
    name: str,
    default: int | None = None,
    *,
    low: int = 0,
    high: int | None = None,
) -> int | None:
    """Return an integer query parameter within bounds. Raises Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        number = int(text)
    except ValueError as error:
        raise Invalid(f"The query parameter {name} must be an integer, not {text!r}.") from error
    if number < low or (high is not None and number > high):
        bounds = f"at least {low}" if high is None else f"from {low} to {high}"
        raise Invalid(f"The query parameter {name} must be {bounds}, not {number}.")
    return number


def required_integer(request: Request, name: str) -> int:
    """Return a required integer query parameter. Raises Invalid."""
    number = integer(request, name)
    if number is None:
        raise Invalid(f"The query parameter {name} is missing.")
    return number


def sizes(request: Request, name: str) -> tuple[int, ...] | None:
    """Return non-negative integers, as in `1,4`; None if absent. Raises Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return None
    return parse_sizes(text, name)


def parse_sizes(text: str, name: str) -> tuple[int, ...]:
    """Read `1,4` as (1, 4), and an empty text as (). Raises Invalid."""
    if text and not SIZES.fullmatch(text):
        raise Invalid(
            f"The query parameter {name} must be non-negative integers of at most 18 digits, "
            f"separated by commas, as in 1,4, not {text!r}."
        )
    return tuple(int(number) for number in text.split(",")) if text else ()


def required_sizes(request: Request, name: str) -> tuple[int, ...]:
    """Return required sizes. Raises Invalid."""
    found = sizes(request, name)
    if found is None:
        raise Invalid(f"The query parameter {name} is missing, as in {name}=1,4.")
    return found
