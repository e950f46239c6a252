"""URLs below `zarr/`: documents, chunks and groups, in versions 2 and 3 of Zarr."""

from __future__ import annotations

from django.urls import re_path

from .zarr_views import (
    ArrayDocumentView,
    AttributesView,
    ChunkView,
    DocumentView,
    GroupDocumentView,
    GroupView,
)

_PATH = r"(?P<path>(?:[\s\S]*/)?)"
_NUMBER = r"[0-9]{1,18}"
_CHUNK_V2 = rf"^v(?P<version>2)/{_PATH}(?P<block>{_NUMBER}(?:\.{_NUMBER})*)\Z"
_CHUNK_V3 = rf"^v(?P<version>3)/{_PATH}c(?P<block>(?:/{_NUMBER})*)\Z"

# The first match is used: a URL that ends like a document or a chunk names no node.
urlpatterns = [
    re_path(rf"^v3/{_PATH}zarr\.json\Z", DocumentView.as_view()),
    re_path(rf"^v2/{_PATH}\.zarray\Z", ArrayDocumentView.as_view()),
    re_path(rf"^v2/{_PATH}\.zgroup\Z", GroupDocumentView.as_view()),
    re_path(rf"^v2/{_PATH}\.zattrs\Z", AttributesView.as_view()),
    re_path(_CHUNK_V2, ChunkView.as_view()),
    re_path(_CHUNK_V3, ChunkView.as_view()),
    re_path(r"^v(?P<version>[23])/(?P<path>[\s\S]*)\Z", GroupView.as_view()),
]
