"""The admin of nodes: a tree to browse, pages to read, nothing to edit.

Nodes are changed through the API, which keeps storage, streams and revisions consistent; deletion
is offered here and uses the same service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.errors import NotFound
from core.text import format_utc

from ..lookup.nodes import split_path
from ..models import Node
from .changelist import NodeList
from .deletion import NodeDeletionMixin, delete_selected
from .filters import CreatedFilter, DepthFilter, UpdatedFilter
from .page import node_page
from .search import HELP, search
from .text import format_specs
from .tree import PATH_VAR, jump_address, nearest_node, page_address

if TYPE_CHECKING:
    from .changelist import ListedNode


class NodeAdmin(NodeDeletionMixin):
    """Read-only pages of nodes, with deletion."""

    actions = [delete_selected]
    empty_value_display = ""
    fields = ["uuid"]
    list_display = ["name", "family", "content", "size", "spec_names", "created", "updated"]
    list_display_links = None
    list_filter = [DepthFilter, "structure_family", CreatedFilter, UpdatedFilter]
    list_per_page = 100
    ordering = ["-id"]
    preserve_filters = False
    search_fields = ["path"]
    search_help_text = HELP
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False

    def get_urls(self) -> list[URLPattern]:
        """Return Django's URLs, and one that redirects to a path entered by the user."""
        jump = path("jump/", self.admin_site.admin_view(self.jump_view), name="catalog_node_jump")
        return [jump, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: a node is created together with its storage, through the API."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        """Return False: stored data depend on the node's values."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NodeList]:
        """Return the list class that browses the tree."""
        return NodeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Node], search_term: str
    ) -> tuple[QuerySet[Node], bool]:
        """Return the nodes found, without duplicates."""
        return search(queryset, search_term), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list; for a path without a container, redirect to the nearest existing node."""
        try:
            return super().changelist_view(request, extra_context)
        except NotFound:
            return self._redirect_to_nearest(request, request.GET.get(PATH_VAR, ""))

    def jump_view(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the node at a path, or to the nearest existing node above it."""
        return self._redirect_to_nearest(request, request.GET.get(PATH_VAR, ""))

    def _redirect_to_nearest(self, request: HttpRequest, wanted: str) -> HttpResponseRedirect:
        node = nearest_node(wanted)
        if len(node.segments) < len(split_path(wanted)):
            sentence = f"There is no node at {wanted}; the nearest one above it is {node}."
            self.message_user(request, sentence, messages.WARNING)
        return HttpResponseRedirect(jump_address(node))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the page of a node."""
        context |= node_page(context["original"], request.GET.get("frame", ""))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Name", ordering="path")
    def name(self, node: ListedNode) -> SafeString:
        """Link to a container's list and page, or to the page of another node."""
        name = format_html("<a href='{}'>{}</a>", jump_address(node), node.label)
        if node.structure_family != "container":
            return name
        return format_html("{} <a class='details' href='{}'>details</a>", name, page_address(node))

    @admin.display(description="Family", ordering="structure_family")
    def family(self, node: ListedNode) -> SafeString:
        """Show the structure family with its own colour."""
        return format_html("<span class='family family-{0}'>{0}</span>", node.structure_family)

    @admin.display(description="Content")
    def content(self, node: ListedNode) -> str:
        """Show the number of children, the shape and dtype, or the columns."""
        return node.row.content

    @admin.display(description="Size")
    def size(self, node: ListedNode) -> str:
        """Show the size of the data."""
        return node.row.size

    @admin.display(description="Specs")
    def spec_names(self, node: ListedNode) -> str:
        """Show the specs that the node declares."""
        return format_specs(node.specs)

    @admin.display(description="Created (UTC)", ordering="time_created")
    def created(self, node: ListedNode) -> str:
        """Show when the node was created."""
        return format_utc(node.time_created)

    @admin.display(description="Updated (UTC)", ordering="time_updated")
    def updated(self, node: ListedNode) -> str:
        """Show when the metadata were last updated."""
        return format_utc(node.time_updated)
