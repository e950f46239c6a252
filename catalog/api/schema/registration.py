"""Registration of external files in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from ..nodes.registration import DataSourceView, RegisterFilesView, RegisterView
from .operations import JSON, NULL, document, operation, reference
from .parameters import REPLACE, SIZES, integer, pattern

extend_schema_view(
    post=operation(
        answers=document(reference("Created")),
        parameters=[REPLACE],
        body={JSON: reference("NewNode")},
        refused=(405, 409, 410, 415, 503),
    )
)(RegisterView)

extend_schema_view(
    post=operation(
        answers=document(reference("RegisteredFiles")),
        parameters=[REPLACE],
        body={JSON: reference("FilesToRegister")},
        refused=(405, 409, 410, 415, 503),
    )
)(RegisterFilesView)

extend_schema_view(
    put=operation(
        answers=document(NULL),
        parameters=[
            pattern("patch_offset", SIZES, "The position of the new data in the array."),
            pattern("patch_shape", SIZES, "The shape of the new data."),
            integer("partition", "The partition of a table that has new rows."),
        ],
        body={JSON: reference("NewDataSource")},
        refused=(405, 409, 410, 415, 503),
    )
)(DataSourceView)
