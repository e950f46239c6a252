"""Tables in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from core.http.media_types import ARROW

from ..data.tables import TableFullView, TablePartitionView
from .operations import BINARY, JSON, NULL, READING, WRITING, data, document, media_types, operation
from .parameters import AS_A_FILE, COLUMN, FIELD, PARTITION, PERSIST, ROWS_WANTED
from .structures import TEXT, list_of

READ = data(media_types("table"))
NAMES = {JSON: list_of(TEXT, minItems=1)}
WRITTEN = {ARROW: BINARY}

extend_schema_view(
    get=operation(
        answers=READ,
        parameters=[COLUMN, FIELD, ROWS_WANTED, *AS_A_FILE],
        refused=READING,
        conditional=True,
    ),
    post=operation(
        answers=READ,
        parameters=[ROWS_WANTED, *AS_A_FILE],
        body=NAMES,
        optional_body=True,
        refused=READING,
    ),
    put=operation(answers=document(NULL), parameters=[PERSIST], body=WRITTEN, refused=WRITING),
)(TableFullView)

extend_schema_view(
    get=operation(
        answers=READ,
        parameters=[PARTITION, COLUMN, FIELD, ROWS_WANTED, *AS_A_FILE],
        refused=READING,
        conditional=True,
    ),
    post=operation(
        answers=READ,
        parameters=[PARTITION, ROWS_WANTED, *AS_A_FILE],
        body=NAMES,
        optional_body=True,
        refused=READING,
    ),
    put=operation(
        answers=document(NULL), parameters=[PARTITION, PERSIST], body=WRITTEN, refused=WRITING
    ),
    patch=operation(
        answers=document(NULL), parameters=[PARTITION, PERSIST], body=WRITTEN, refused=WRITING
    ),
)(TablePartitionView)
