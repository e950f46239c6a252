"""One method of an endpoint in OpenAPI: its parameters, body, responses and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from ...formats import formats
from .error_responses import meanings

Json = dict[str, Any]
Decorator = Callable[[Any], Any]

JSON = "application/json"
MSGPACK = "application/x-msgpack"
NULL: Json = {"type": "null"}
ANY: Json = {"description": "The data as JSON."}
BINARY: Json = {"type": "string", "format": "binary"}

ALWAYS = (400, 401, 403, 422)
OF_A_NODE = (404,)
READING = (406, 410, 415, 503)
INSIDE = (410, 415, 503)
"""Further errors where the node may be inside a file."""
WRITING = (405, 409, 413, 415, 503, 507)

PATH = OpenApiParameter(
    "path",
    {"type": "string"},
    OpenApiParameter.PATH,
    description="The keys from the root, separated by slashes. Leading, trailing and repeated "
    "slashes are ignored; the path of the root is empty.",
)


def reference(name: str) -> Json:
    """Return the component of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def document(schema: Json) -> dict[str, Json]:
    """Return the media types of a response without data: JSON and msgpack."""
    return {JSON: schema, MSGPACK: BINARY}


def media_types(*families: str) -> list[str]:
    """Return the media types in which data of these families can be read."""
    known = formats()
    return list(dict.fromkeys(one for name in families for one in known.media_types((), name)))


def data(media_types: Iterable[str]) -> dict[str, Json]:
    """Return the media types of a response with data."""
    return {media_type: ANY if media_type == JSON else BINARY for media_type in media_types}


def operation(
    *,
    answers: Mapping[str, Json],
    parameters: Sequence[OpenApiParameter] = (),
    body: Mapping[str, Json] | None = None,
    optional_body: bool = False,
    refused: Iterable[int] = (),
    of_a_node: bool = True,
    conditional: bool = False,
    description: str = "The requested data.",
    others: Mapping[int, str] | None = None,
) -> Decorator:
    """Describe a method for drf-spectacular.

    `answers` and `body` have a schema for each media type; a `conditional` response may be 304;
    `others` has further statuses without a body.
    """
    responses: dict[Any, Any] = {
        (200, media_type): OpenApiResponse(schema, description)
        for media_type, schema in answers.items()
    }
    if conditional:
        responses[304] = OpenApiResponse(None, "Not modified: the ETag matches `If-None-Match`.")
    for status, text in (others or {}).items():
        responses[status] = OpenApiResponse(None, text)
    statuses = {*ALWAYS, *(OF_A_NODE if of_a_node else ()), *refused}
    if body is not None:
        statuses.add(413)
    for status in sorted(statuses):
        responses[(status, JSON)] = OpenApiResponse(reference("Error"), _meanings()[status])
    node = [PATH] if of_a_node else []
    return extend_schema(
        parameters=[*node, *parameters],
        request=dict(body) if body is not None else None,
        responses=responses,
        extensions={"x-body-optional": True} if optional_body else None,
    )


@cache
def _meanings() -> dict[int, str]:
    return meanings()
