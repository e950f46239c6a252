"""JSON Schemas of the request bodies and responses without data.

Source: docs/reference/tiled-protocol/http.md,
"the node resource document", "create a node under `path`", "Updating metadata".
"""

from __future__ import annotations

from ...services.nodes.drafts import MAX_SPECS, SPEC_LENGTH
from .operations import NULL, Json, reference
from .structures import FAMILY, INTEGER, OBJECT, SIZE, TEXT, described, list_of, or_null

TAGS = list_of(TEXT)
SPECS = list_of(reference("Spec"), maxItems=MAX_SPECS)
VERSION = or_null({"type": "string", "maxLength": SPEC_LENGTH})
JSON_PATCH = or_null(list_of(OBJECT))
LINK: Json = {"type": "string", "description": "A URL."}

DOCUMENTS: dict[str, Json] = {
    "Error": described(
        {
            "detail": {
                "description": "The problem and its remedy.",
                "anyOf": [TEXT, OBJECT, list_of(OBJECT)],
            },
            "code": {"type": "string", "description": "A name of the reason, for programs."},
        },
        optional=("code",),
    ),
    "Spec": described(
        {
            "name": {"type": "string", "minLength": 1, "maxLength": SPEC_LENGTH},
            "version": VERSION,
        },
        optional=("version",),
    ),
    "Links": {"type": "object", "additionalProperties": LINK},
    "Attributes": described(
        {
            "ancestors": list_of(TEXT),
            "structure_family": or_null(FAMILY),
            "specs": or_null(SPECS),
            "metadata": or_null(OBJECT),
            "structure": or_null(reference("Structure")),
            "access_tags": or_null(TAGS),
            "sorting": or_null(list_of(reference("Sorting"))),
            "data_sources": or_null(list_of(reference("DataSource"))),
        }
    ),
    "Sorting": described({"key": TEXT, "direction": {"type": "integer", "enum": [1, -1]}}),
    "Resource": described(
        {
            "id": {"type": "string", "description": "The key; empty for the root."},
            "attributes": reference("Attributes"),
            "links": or_null(reference("Links")),
            "meta": or_null(OBJECT),
        }
    ),
    "Node": described(
        {"data": reference("Resource"), "error": NULL, "links": NULL, "meta": OBJECT}
    ),
    "PageLinks": described({"self": LINK, "first": LINK, "next": or_null(LINK)}),
    "Listing": described(
        {
            "data": list_of(reference("Resource")),
            "error": NULL,
            "links": reference("PageLinks"),
            "meta": described({"count": {**SIZE, "description": "The exact number on all pages."}}),
        }
    ),
    "DistinctValues": list_of(
        described(
            {"value": {}, "count": or_null({**SIZE, "description": "null without `counts`."})}
        )
    ),
    "Distinct": described(
        {
            "metadata": or_null(
                {"type": "object", "additionalProperties": reference("DistinctValues")}
            ),
            "structure_families": or_null(reference("DistinctValues")),
            "specs": or_null(reference("DistinctValues")),
        }
    ),
    "Revision": described(
        {
            "revision_number": {"type": "integer", "minimum": 1},
            "attributes": described(
                {
                    "metadata": OBJECT,
                    "specs": SPECS,
                    "time_updated": {"type": "string", "format": "date-time"},
                }
            ),
        }
    ),
    "Revisions": described(
        {
            "data": list_of(reference("Revision")),
            "error": NULL,
            "links": reference("PageLinks"),
            "meta": described({"count": SIZE}),
        }
    ),
    "NewNode": described(
        {
            "id": or_null({"type": "string", "description": "The key; generated if omitted."}),
            "structure_family": FAMILY,
            "metadata": or_null(OBJECT),
            "specs": or_null(SPECS),
            "data_sources": or_null(list_of(reference("DataSource"), maxItems=1)),
            "access_tags": or_null(TAGS),
        },
        optional=("id", "metadata", "specs", "data_sources", "access_tags"),
    ),
    "FilesToRegister": described(
        {
            "files": {
                "type": "array",
                "items": TEXT,
                "minItems": 1,
                "description": "Absolute paths of files on the server, in the order of the data; "
                "or one path of a file, of a folder, or with wildcards in its last part.",
            },
            "mimetype": or_null({"type": "string", "description": "By default by extension."}),
            "id": or_null({"type": "string", "description": "By default the name of the file."}),
            "metadata": or_null({**OBJECT, "description": "Added to those of the file."}),
            "specs": or_null({**SPECS, "description": "By default those of the file."}),
            "access_tags": or_null(TAGS),
        },
        optional=("mimetype", "id", "metadata", "specs", "access_tags"),
    ),
    "RegisteredFiles": described(
        {
            "data": reference("Resource"),
            "error": NULL,
            "links": NULL,
            "meta": described(
                {
                    "registered": {
                        **list_of(TEXT),
                        "description": "The keys of the children of a folder.",
                    },
                    "folders": {
                        **list_of(TEXT),
                        "description": "The names of subfolders, which were not registered.",
                    },
                    "skipped": {
                        "type": "object",
                        "additionalProperties": TEXT,
                        "description": "The reasons why files were not registered, by their names.",
                    },
                }
            ),
        }
    ),
    "Created": described(
        {
            "id": TEXT,
            "links": reference("Links"),
            "data_sources": list_of(reference("DataSource")),
            "access_tags": TAGS,
            "metadata": OBJECT,
        },
        optional=("access_tags", "metadata"),
    ),
    "Replacement": described(
        {"metadata": or_null(OBJECT), "specs": or_null(SPECS), "access_tags": or_null(TAGS)},
        optional=("metadata", "specs", "access_tags"),
    ),
    "Patch": {
        "oneOf": [
            described(
                {
                    "content-type": {"const": "application/json-patch+json"},
                    "metadata": JSON_PATCH,
                    "specs": JSON_PATCH,
                    "access_tags": JSON_PATCH,
                },
                optional=("metadata", "access_tags"),
            ),
            described(
                {
                    "content-type": {"const": "application/merge-patch+json"},
                    "metadata": or_null(OBJECT),
                    "specs": or_null(SPECS),
                    "access_tags": or_null(TAGS),
                },
                optional=("metadata", "access_tags"),
            ),
        ]
    },
    "Changed": described(
        {"id": TEXT, "metadata": OBJECT, "access_tags": TAGS}, optional=("metadata", "access_tags")
    ),
    "NewDataSource": described({"data_source": reference("DataSource")}),
    "Provider": described(
        {
            "provider": TEXT,
            "mode": {"type": "string", "enum": ["internal", "external", "password"]},
            "links": reference("Links"),
            "confirmation_message": or_null(TEXT),
            "extra_scopes": or_null(list_of(TEXT)),
        },
        optional=("confirmation_message", "extra_scopes"),
    ),
    "About": described(
        {
            "api_version": INTEGER,
            "library_version": TEXT,
            "formats": {"type": "object", "additionalProperties": list_of(TEXT)},
            "aliases": {
                "type": "object",
                "additionalProperties": {"type": "object", "additionalProperties": list_of(TEXT)},
            },
            "queries": list_of(TEXT),
            "authentication": described(
                {
                    "required": {"type": "boolean"},
                    "providers": list_of(reference("Provider")),
                    "links": or_null(reference("Links")),
                }
            ),
            "links": reference("Links"),
            "meta": OBJECT,
        }
    ),
}
