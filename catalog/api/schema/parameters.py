"""Query parameters in OpenAPI, shared by all endpoints."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from core.http.paging import DEFAULT_PAGE, MAX_OFFSET, MAX_PAGE
from tiled_client.wire.encodings import PayloadEncoding

from ..nodes.resources import FIELDS, MAX_DEPTH

SIZES = r"^[0-9]{1,18}(,[0-9]{1,18})*$"
NUMBER = "-?[0-9]{1,18}"
ALONG = f"(?:(?:{NUMBER})?:){{0,2}}(?:{NUMBER})?"
RANGE = f"^(?:{NUMBER})?:(?:{NUMBER})?$"
SLICE = f"^{ALONG}(?:,{ALONG})*$"
SORT = r"^(?:[+-][a-zA-Z0-9_.]*|[a-zA-Z0-9_.]+)?$"
ROWS = r"^[0-9]{0,18}:[0-9]{0,18}$"


def query(
    name: str,
    schema: dict[str, Any],
    description: str,
    *,
    required: bool = False,
    many: bool = False,
    example: Any = None,
    deprecated: bool = False,
) -> OpenApiParameter:
    """Return a query parameter, which may be repeated if `many` is true."""
    if example is not None:
        schema = {**schema, "examples": [example]}
    if many:
        schema = {"type": "array", "items": schema}
    return OpenApiParameter(
        name,
        schema,
        OpenApiParameter.QUERY,
        required=required,
        description=description,
        deprecated=deprecated,
        explode=True if many else None,
        style="form" if many else None,
    )


def text(name: str, description: str, **more: Any) -> OpenApiParameter:
    """Return a query parameter that is any string."""
    return query(name, {"type": "string"}, description, **more)


def pattern(name: str, regex: str, description: str, **more: Any) -> OpenApiParameter:
    """Return a query parameter that is a string matching `regex`."""
    return query(name, {"type": "string", "pattern": regex}, description, **more)


def flag(name: str, default: bool, description: str) -> OpenApiParameter:
    """Return a query parameter that is true or false."""
    values = "1, 0, yes, no, on and off are accepted as well."
    schema = {"type": "boolean", "default": default}
    return query(name, schema, f"{description} {values}")


def integer(
    name: str,
    description: str,
    *,
    low: int = 0,
    high: int | None = None,
    default: int | None = None,
    **more: Any,
) -> OpenApiParameter:
    """Return a query parameter that is an integer within bounds."""
    schema: dict[str, Any] = {"type": "integer", "minimum": low}
    if high is not None:
        schema["maximum"] = high
    if default is not None:
        schema["default"] = default
    return query(name, schema, description, **more)


FIELDS_WANTED = query(
    "fields",
    {"type": "string", "enum": [*sorted(FIELDS), ""]},
    "The attributes to return; the others are null. An empty string selects none.",
    many=True,
)
SELECT_METADATA = text(
    "select_metadata",
    "A JMESPath expression; the result for the metadata is returned as `selected`.",
)
OMIT_LINKS = flag("omit_links", False, "Omit all links.")
INCLUDE_DATA_SOURCES = flag("include_data_sources", False, "Include the data sources.")
MAX_DEPTH_WANTED = integer("max_depth", "The maximum depth of inlined contents.", high=MAX_DEPTH)
RESOURCE = (FIELDS_WANTED, SELECT_METADATA, OMIT_LINKS, INCLUDE_DATA_SOURCES)

PAGE_OFFSET = integer("page[offset]", "The number of items to skip.", high=MAX_OFFSET)
PAGE_CURSOR = integer(
    "page[cursor]",
    "The position of the last item of the previous page, from its `next` link.",
    high=MAX_OFFSET,
)
PAGE_LIMIT = integer(
    "page[limit]", "The maximum number of items.", high=MAX_PAGE, default=DEFAULT_PAGE
)
PAGE = (PAGE_OFFSET, PAGE_CURSOR, PAGE_LIMIT)
SORT_BY = pattern(
    "sort",
    SORT,
    "A path in the metadata, or `id`; a leading `-` means descending. `-` alone reverses the "
    "order of creation.",
    many=True,
)

FORMAT = text("format", "Media types or file extensions, separated by commas; overrides `Accept`.")
FILENAME = text("filename", "The file name in `Content-Disposition`.")
AS_A_FILE = (FORMAT, FILENAME)

SLICED = pattern("slice", SLICE, "A slice or an index for each dimension.", example="0:10,::2,3")
REDUCED = pattern(
    "reduce",
    r"^(?:(?:mean|sum|min|max):[1-9][0-9]{0,17}(?:,[1-9][0-9]{0,17})*)?$",
    "Reduce cells of this size along the trailing axes, after `slice`, to their mean, sum, "
    "minimum or maximum.",
    example="mean:4,4",
)
EXPECTED_SHAPE = pattern(
    "expected_shape",
    r"^([0-9]{1,18}(,[0-9]{1,18})*)?$|^scalar$",
    "Reject the request if the selection has another shape.",
    example="10,5",
)
BLOCK = pattern(
    "block",
    r"^([0-9]{1,18}(,[0-9]{1,18})*)?$",
    "The index of the chunk along each dimension; empty for an array without dimensions.",
    required=True,
    example="0,1",
)
OFFSET = pattern(
    "offset",
    r"^([0-9]{1,18}(,[0-9]{1,18})*)?$",
    "The position of the body in the array; omitted dimensions are 0.",
    required=True,
    example="3",
)
SHAPE = pattern(
    "shape",
    r"^([0-9]{1,18}(,[0-9]{1,18})*)?$",
    "The shape of the body.",
    required=True,
    example="1,4",
)
EXTEND = flag("extend", False, "Extend the array if the body reaches beyond its shape.")
REPLACE = flag(
    "replace",
    False,
    "Replace a node of the same key, with its data and its stream, unless it has children.",
)
RESIZE = flag(
    "resize",
    True,
    "With extend: let all dimensions grow, and new frames be written in part. If false, only the "
    "first dimension grows, by whole frames.",
)
CONTENT_ENCODING = OpenApiParameter(
    "Content-Encoding",
    {"type": "string", "enum": list(PayloadEncoding)},
    OpenApiParameter.HEADER,
    description="How the numbers of a dense array are encoded in the body; see "
    "docs/reference/encodings.md.",
)
PERSIST = flag("persist", True, "Store the data; otherwise only send them to subscribers.")

PARTITION = integer("partition", "The index of the partition.", required=True)
COLUMN = text("column", "A column to read; by default all columns.", many=True)
FIELD = text("field", "The deprecated name of `column`.", many=True, deprecated=True)
ROWS_WANTED = pattern("rows", ROWS, "A range of rows, counted from 0.", example="100:120")
