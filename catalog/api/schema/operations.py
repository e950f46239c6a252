"""One endpoint's method in OpenAPI: what it takes, what it gives, how it refuses."""

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
ANY: Json = {"description": "The data, as plain values."}
BINARY: Json = {"type": "string", "format": "binary"}

ALWAYS = (400, 401, 403, 422)
OF_A_NODE = (404,)
READING = (406, 410, 415, 503)
INSIDE = (410, 415, 503)
"""Where a node may lie inside a file."""
WRITING = (405, 409, 413, 415, 503, 507)

PATH = OpenApiParameter(
    "path",
    {"type": "string"},
    OpenApiParameter.PATH,
    description="The keys from the root, with slashes between them. Slashes at either end, and "
    "repeated ones, do not count; of the root nothing is left.",
)


def reference(name: str) -> Json:
    """Return the component of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def document(schema: Json) -> dict[str, Json]:
    """Return the media types of a response without data: JSON, or the same in msgpack."""
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
    says: str = "",
    others: Mapping[int, str] | None = None,
) -> Decorator:
    """Describe a method for drf-spectacular.

    `answers` and `body` have a schema for each media type; `conditional` says that the answer may
    be 304; `others` has further statuses of success without a body.
    """
    responses: dict[Any, Any] = {
        (200, media_type): OpenApiResponse(schema, says or "The requested data.")
        for media_type, schema in answers.items()
    }
    if conditional:
        responses[304] = OpenApiResponse(None, "The client has it already, by its If-None-Match.")
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
