"""Views of nodes beside those that Django's admin has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from core.errors import NotFound

from ..lookup.embedded import EmbeddedNode, enclosing_file, resolve_any
from ..lookup.nodes import split_path
from ..models import Node
from ..storage.errors import StorageError
from .page import embedded_page, live_parts
from .tree import FRAME_VAR, PATH_VAR, embedded_address, jump_address, nearest_node

if TYPE_CHECKING:
    NodeModelAdmin = admin.ModelAdmin[Node]
else:
    NodeModelAdmin = admin.ModelAdmin


class NodeViews(NodeModelAdmin):
    """Find a node by its path, show one inside a file, and refresh the page of a node."""

    def own_urls(self) -> list[URLPattern]:
        """Return the URLs of these views."""
        wrap = self.admin_site.admin_view
        return [
            path("jump/", wrap(self.jump_view), name="catalog_node_jump"),
            path("embedded/", wrap(self.embedded_view), name="catalog_node_embedded"),
            path("<int:node_id>/live/", wrap(self.live_view), name="catalog_node_live"),
        ]

    def jump_view(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the node at a path, or to the nearest existing node above it."""
        self._require_view_permission(request)
        return self.redirect_to_nearest(request, request.GET.get(PATH_VAR, ""))

    def embedded_view(self, request: HttpRequest) -> HttpResponse:
        """Show a node inside a registered file."""
        self._require_view_permission(request)
        wanted = request.GET.get(PATH_VAR, "")
        try:
            node = resolve_any(wanted)
        except (NotFound, StorageError) as error:
            return self._redirect(request, wanted, nearest_node(wanted), error)
        if isinstance(node, Node):
            return HttpResponseRedirect(jump_address(node))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            **embedded_page(node, request.GET.get(FRAME_VAR, "")),
        }
        return TemplateResponse(request, "admin/catalog/node/change_form.html", context)

    def live_view(self, request: HttpRequest, node_id: int) -> HttpResponse:
        """Return the parts of a node's page that a script refreshes."""
        self._require_view_permission(request)
        node = Node.objects.select_related("data_source").filter(pk=node_id).first()
        if node is None:
            raise Http404
        context = live_parts(node, request.GET.get(FRAME_VAR, ""))
        return TemplateResponse(request, "admin/catalog/node/live.html", context)

    def redirect_to_nearest(self, request: HttpRequest, wanted: str) -> HttpResponseRedirect:
        """Redirect to the node at a path, also inside a file, or to the nearest one above it."""
        nearest = nearest_node(wanted)
        if len(nearest.segments) == len(split_path(wanted)):
            return HttpResponseRedirect(jump_address(nearest))
        try:
            found = resolve_any(wanted) if enclosing_file(wanted) else None
        except (NotFound, StorageError) as error:
            return self._redirect(request, wanted, nearest, error)
        if isinstance(found, EmbeddedNode):
            return HttpResponseRedirect(embedded_address(found.path))
        return self._redirect(request, wanted, nearest)

    def _redirect(
        self, request: HttpRequest, wanted: str, nearest: Node, error: Exception | None = None
    ) -> HttpResponseRedirect:
        """Redirect to the nearest node above a path, with the reason in a message."""
        sentence = f"There is no node at {wanted}; the nearest one above it is {nearest}."
        if isinstance(error, StorageError):
            sentence = f"The node at {wanted} cannot be read: {error}"
        self.message_user(request, sentence, messages.WARNING)
        return HttpResponseRedirect(jump_address(nearest))

    def _require_view_permission(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied
