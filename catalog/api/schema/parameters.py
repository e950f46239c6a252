"""Query parameters, each written once."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from core.http.paging import DEFAULT_PAGE, MAX_OFFSET, MAX_PAGE

from ..nodes.resources import FIELDS, MAX_DEPTH

SIZES = r"^[0-9]{1,18}(,[0-9]{1,18})*$"
NUMBER = "-?[0-9]{1,18}"
ALONG = f"(?:(?:{NUMBER})?:){{0,2}}(?:{NUMBER})?"
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
    """Return a query parameter; `many` may be repeated."""
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
    """Return a query parameter that is any text."""
    return query(name, {"type": "string"}, description, **more)


def pattern(name: str, regex: str, description: str, **more: Any) -> OpenApiParameter:
    """Return a query parameter of a certain form."""
    return query(name, {"type": "string", "pattern": regex}, description, **more)


def flag(name: str, default: bool, description: str) -> OpenApiParameter:
    """Return a query parameter that is true or false."""
    said = "Besides true and false, 1, 0, yes, no, on and off are understood."
    schema = {"type": "boolean", "default": default}
    return query(name, schema, f"{description} {said}")


def integer(
    name: str,
    description: str,
    *,
    low: int = 0,
    high: int | None = None,
    default: int | None = None,
    **more: Any,
) -> OpenApiParameter:
    """Return a query parameter that is a number within bounds."""
    schema: dict[str, Any] = {"type": "integer", "minimum": low}
    if high is not None:
        schema["maximum"] = high
    if default is not None:
        schema["default"] = default
    return query(name, schema, description, **more)


FIELDS_WANTED = query(
    "fields",
    {"type": "string", "enum": [*sorted(FIELDS), ""]},
    "Which attributes to give; the others are null. An empty text gives none of them.",
    many=True,
)
SELECT_METADATA = text(
    "select_metadata", "A JMESPath expression: give this part of the metadata, as `selected`."
)
OMIT_LINKS = flag("omit_links", False, "Give no links.")
INCLUDE_DATA_SOURCES = flag("include_data_sources", False, "Give the data sources as well.")
MAX_DEPTH_WANTED = integer("max_depth", "How deep contents are inlined.", high=MAX_DEPTH)
RESOURCE = (FIELDS_WANTED, SELECT_METADATA, OMIT_LINKS, INCLUDE_DATA_SOURCES)

PAGE_OFFSET = integer("page[offset]", "How many to pass over.", high=MAX_OFFSET)
PAGE_CURSOR = integer("page[cursor]", "Where the page before has ended.", high=MAX_OFFSET)
PAGE_LIMIT = integer("page[limit]", "How many to give.", high=MAX_PAGE, default=DEFAULT_PAGE)
PAGE = (PAGE_OFFSET, PAGE_CURSOR, PAGE_LIMIT)
SORT_BY = pattern(
    "sort",
    SORT,
    "A path in the metadata, or `id`; with `-` before it for descending. `-` alone reverses the "
    "order of creation.",
    many=True,
)

FORMAT = text(
    "format", "Media types or file extensions, with commas between them; wins over `Accept`."
)
FILENAME = text("filename", "A name to save the answer as.")
AS_A_FILE = (FORMAT, FILENAME)

SLICED = pattern("slice", SLICE, "A slice or an index for each dimension.", example="0:10,::2,3")
EXPECTED_SHAPE = pattern(
    "expected_shape",
    r"^([0-9]{1,18}(,[0-9]{1,18})*)?$|^scalar$",
    "Refuse if the answer would have another shape.",
    example="10,5",
)
BLOCK = pattern(
    "block",
    r"^([0-9]{1,18}(,[0-9]{1,18})*)?$",
    "The number of the chunk along each dimension; empty for an array without dimensions.",
    required=True,
    example="0,1",
)
OFFSET = pattern(
    "offset",
    r"^([0-9]{1,18}(,[0-9]{1,18})*)?$",
    "Where the body belongs; dimensions that are left out are 0.",
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
EXTEND = flag("extend", False, "Whether the array may grow for it.")
PERSIST = flag("persist", True, "Whether to store it, or only to stream it.")

PARTITION = integer("partition", "The number of the partition.", required=True)
COLUMN = text("column", "A column to read; all, where none is named.", many=True)
FIELD = text("field", "The old name of `column`.", many=True, deprecated=True)
ROWS_WANTED = pattern("rows", ROWS, "Only these rows, counted from 0.", example="100:120")
