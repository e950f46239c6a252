"""Nodes, their revisions and streams in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from ..nodes.metadata import MetadataView
from ..nodes.revisions import RevisionsView
from ..nodes.streams import CloseStreamView
from .operations import INSIDE, JSON, NULL, document, operation, reference
from .parameters import MAX_DEPTH_WANTED, PAGE, REPLACE, RESOURCE, flag, integer

DROP_REVISION = flag("drop_revision", False, "Do not store the previous metadata as a revision.")

extend_schema_view(
    get=operation(
        answers=document(reference("Node")),
        parameters=[
            *RESOURCE,
            MAX_DEPTH_WANTED,
            flag("root_path", False, "Include the path prefix of the API in `meta`."),
        ],
        refused=INSIDE,
        conditional=True,
    ),
    post=operation(
        answers=document(reference("Created")),
        parameters=[REPLACE],
        body={JSON: reference("NewNode")},
        refused=(405, 409, 415),
    ),
    put=operation(
        answers=document(reference("Changed")),
        parameters=[DROP_REVISION],
        body={JSON: reference("Replacement")},
        refused=(405, 409),
    ),
    patch=operation(
        answers=document(reference("Changed")),
        parameters=[DROP_REVISION],
        body={JSON: reference("Patch")},
        refused=(405, 406, 409),
    ),
    delete=operation(
        answers=document(NULL),
        parameters=[
            flag("recursive", False, "Delete all descendants as well."),
            flag("external_only", True, "Reject the request if it would delete managed data."),
        ],
        refused=(405, 409),
    ),
)(MetadataView)

extend_schema_view(
    get=operation(
        answers=document(reference("Revisions")), parameters=PAGE, refused=(405,), conditional=True
    ),
    delete=operation(
        answers=document(NULL),
        parameters=[integer("number", "The number of the revision.", low=1, required=True)],
        refused=(405, 409),
    ),
)(RevisionsView)

extend_schema_view(delete=operation(answers=document(NULL), refused=(405,)))(CloseStreamView)
