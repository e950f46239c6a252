"""Revisions: the metadata and specs of a node before each update.

Source: docs/reference/tiled-protocol/http.md, "Updating metadata, revisions".
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from access.principals import Scope
from core.http.requests import integer, required_integer
from core.http.responses import render
from core.http.urls import base_url

from ...lookup.nodes import split_path
from ...models import Revision
from ...services.nodes.revisions import delete_revision, list_revisions
from ..views import NodeView
from .links import quoted
from .pagination import Page

# The largest value of the database column.
MAX_REVISION_NUMBER = 2**31 - 1


class RevisionsView(NodeView):
    """The revisions of a node."""

    scopes = {"GET": (Scope.read_metadata,), "DELETE": (Scope.delete_revision,)}

    def get(self, request: Request, path: str) -> HttpResponse:
        """Return a page of revisions, the oldest first, with their exact number in `meta.count`."""
        page = Page.from_request(request)
        revisions = list_revisions(path=path, offset=page.offset, limit=page.limit)
        shown = len(revisions.found)
        after = page.offset + shown if shown else None
        address = f"{base_url(request)}/revisions/{quoted('/'.join(split_path(path)))}"
        return render(
            request,
            {
                "data": [_document(revision) for revision in revisions.found],
                "error": None,
                "links": page.links(address, revisions.total, after=after),
                "meta": {"count": revisions.total},
            },
        )

    def delete(self, request: Request, path: str) -> HttpResponse:
        """Delete the revision `number`."""
        required_integer(request, "number")
        number = integer(request, "number", high=MAX_REVISION_NUMBER)
        assert number is not None
        delete_revision(path=path, number=number)
        return render(request, None)


def _document(revision: Revision) -> dict[str, Any]:
    return {
        "revision_number": revision.number,
        "attributes": {
            "metadata": revision.metadata,
            "specs": revision.specs,
            "time_updated": revision.time_updated,
        },
    }
