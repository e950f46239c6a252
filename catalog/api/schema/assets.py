"""The files of a node in OpenAPI."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from ..data.assets import AssetBytesView, AssetManifestView, AssetView
from .operations import ANY, BINARY, document, operation
from .parameters import flag, integer, text
from .structures import TEXT, described, list_of

ASSET = integer("id", "The id of the asset, from the data source.", required=True)
RELATIVE_PATH = text("relative_path", "The relative path of a file in a folder.")
BOOLEAN = {"type": "boolean"}

extend_schema_view(
    get=operation(
        answers=document(described({"manifest": list_of(TEXT)})),
        parameters=[ASSET],
        refused=(405,),
        conditional=True,
    )
)(AssetManifestView)

extend_schema_view(
    get=operation(
        answers={"application/octet-stream": BINARY, "*/*": ANY},
        parameters=[ASSET, RELATIVE_PATH],
        refused=(405,),
        conditional=True,
        description="The bytes of the file.",
        others={
            206: "The bytes given by `Range`.",
            416: "The range is beyond the end of the file.",
        },
    )
)(AssetBytesView)

extend_schema_view(
    delete=operation(
        answers=document(described({"asset_deleted": BOOLEAN, "data_deleted": BOOLEAN})),
        parameters=[
            ASSET,
            flag("external_only", True, "Reject the request if it would delete managed data."),
        ],
        refused=(405, 409),
    )
)(AssetView)
