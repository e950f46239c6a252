"""Arrays, sparse ones included, in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from core.http.media_types import ARROW, OCTET_STREAM

from ..data.arrays import ArrayBlockView, ArrayFullView
from .operations import (
    BINARY,
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
    CONTENT_ENCODING,
    EXPECTED_SHAPE,
    EXTEND,
    OFFSET,
    PERSIST,
    REDUCED,
    RESIZE,
    SHAPE,
    SLICED,
)

READ = data(media_types("array", "sparse"))
WRITTEN = {OCTET_STREAM: BINARY, ARROW: BINARY}

extend_schema_view(
    get=operation(
        answers=READ,
        parameters=[SLICED, REDUCED, EXPECTED_SHAPE, *AS_A_FILE],
        refused=READING,
        conditional=True,
    ),
    put=operation(
        answers=document(NULL),
        parameters=[CONTENT_ENCODING, PERSIST],
        body=WRITTEN,
        refused=WRITING,
    ),
    patch=operation(
        answers=document(reference("ArrayStructure")),
        parameters=[OFFSET, SHAPE, EXTEND, RESIZE, CONTENT_ENCODING, PERSIST],
        body={OCTET_STREAM: BINARY},
        refused=WRITING,
    ),
)(ArrayFullView)

extend_schema_view(
    get=operation(
        answers=READ,
        parameters=[BLOCK, SLICED, REDUCED, EXPECTED_SHAPE, *AS_A_FILE],
        refused=READING,
        conditional=True,
    ),
    put=operation(
        answers=document(NULL),
        parameters=[BLOCK, CONTENT_ENCODING, PERSIST],
        body=WRITTEN,
        refused=WRITING,
    ),
)(ArrayBlockView)
