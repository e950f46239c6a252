"""Awkward and ragged arrays in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from tiled_client.wire.buffers import ZIP

from ..data.awkward import AwkwardBuffersView, AwkwardFullView
from ..data.ragged import RaggedBlockView, RaggedFullView
from .operations import (
    BINARY,
    JSON,
    NULL,
    READING,
    WRITING,
    data,
    document,
    media_types,
    operation,
    reference,
)
from .parameters import (
    AS_A_FILE,
    BLOCK,
    EXTEND,
    OFFSET,
    PERSIST,
    RANGE,
    SHAPE,
    SLICED,
    pattern,
    text,
)
from .structures import TEXT, list_of

FORM_KEY = text(
    "form_key", "A node of the form whose buffers to return; by default all buffers.", many=True
)
ITEMS = pattern("slice", RANGE, "A range of items; not of the buffers.", example="100:120")
ROWS = {ZIP: BINARY, JSON: {"type": "array"}}

extend_schema_view(
    get=operation(
        answers=data(media_types("awkward")),
        parameters=[ITEMS, *AS_A_FILE],
        refused=READING,
        conditional=True,
    ),
    put=operation(
        answers=document(NULL), parameters=[PERSIST], body={ZIP: BINARY}, refused=WRITING
    ),
)(AwkwardFullView)

extend_schema_view(
    get=operation(
        answers=data([ZIP]), parameters=[FORM_KEY, *AS_A_FILE], refused=READING, conditional=True
    ),
    post=operation(
        answers=data([ZIP]),
        parameters=AS_A_FILE,
        body={JSON: list_of(TEXT)},
        optional_body=True,
        refused=READING,
    ),
)(AwkwardBuffersView)

extend_schema_view(
    get=operation(
        answers=data(media_types("ragged")),
        parameters=[SLICED, *AS_A_FILE],
        refused=READING,
        conditional=True,
    ),
    put=operation(answers=document(NULL), parameters=[PERSIST], body=ROWS, refused=WRITING),
    patch=operation(
        answers=document(reference("RaggedStructure")),
        parameters=[OFFSET, SHAPE, EXTEND, PERSIST],
        body=ROWS,
        refused=WRITING,
    ),
)(RaggedFullView)

extend_schema_view(
    put=operation(answers=document(NULL), parameters=[BLOCK, PERSIST], body=ROWS, refused=WRITING)
)(RaggedBlockView)
