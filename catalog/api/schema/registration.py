"""Files of others in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from ..nodes.registration import DataSourceView, RegisterView
from .operations import JSON, NULL, document, operation, reference
from .parameters import SIZES, integer, pattern

extend_schema_view(
    post=operation(
        answers=document(reference("Created")),
        body={JSON: reference("NewNode")},
        refused=(405, 409, 410, 415, 503),
    )
)(RegisterView)

extend_schema_view(
    put=operation(
        answers=document(NULL),
        parameters=[
            pattern("patch_offset", SIZES, "Where what is new begins."),
            pattern("patch_shape", SIZES, "How large it is."),
            integer("partition", "The partition of a table in which new rows are counted."),
        ],
        body={JSON: reference("NewDataSource")},
        refused=(405, 409, 410, 415, 503),
    )
)(DataSourceView)
