"""Whole containers in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from core.http.media_types import ARROW

from ..data.containers import ContainerFullView, NodeFullView
from .operations import BINARY, JSON, NULL, READING, WRITING, data, document, media_types, operation
from .parameters import AS_A_FILE, PERSIST, text
from .structures import TEXT, list_of

CHILD = text("field", "The key of a child to include; by default all children.", many=True)

extend_schema_view(
    get=operation(
        answers=data(media_types("container")),
        parameters=[CHILD, *AS_A_FILE],
        refused=READING,
        conditional=True,
    ),
    post=operation(
        answers=data(media_types("container")),
        parameters=AS_A_FILE,
        body={JSON: list_of(TEXT, minItems=1)},
        optional_body=True,
        refused=READING,
    ),
)(ContainerFullView)

extend_schema_view(
    get=operation(
        answers=data(media_types("container", "table")),
        parameters=[CHILD, *AS_A_FILE],
        refused=READING,
        conditional=True,
    ),
    put=operation(
        answers=document(NULL), parameters=[PERSIST], body={ARROW: BINARY}, refused=WRITING
    ),
)(NodeFullView)
