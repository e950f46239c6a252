"""The admin of nodes: a tree to browse, pages to read, nothing to edit.

Nodes are changed through the API, which keeps storage, streams and revisions consistent; deletion
is offered here and uses the same service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.errors import NotFound
from core.text import format_utc

from ..models import Node
from .changelist import NodeList
from .deletion import NodeDeletionMixin, delete_selected
from .filters import CreatedFilter, DepthFilter, UpdatedFilter
from .page import node_page
from .search import HELP, search
from .text import format_specs
from .tree import FRAME_VAR, PATH_VAR, listing_address, page_address
from .views import NodeViews

if TYPE_CHECKING:
    from .changelist import ListedNode


class NodeAdmin(NodeViews, NodeDeletionMixin):
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
        """Return Django's URLs, and those of `NodeViews`."""
        return [*self.own_urls(), *super().get_urls()]

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
        """Show the list; for a path without one, redirect to the nearest existing node."""
        try:
            return super().changelist_view(request, extra_context)
        except NotFound:
            return self.redirect_to_nearest(request, request.GET.get(PATH_VAR, ""))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the page of a node."""
        context |= node_page(context["original"], request.GET.get(FRAME_VAR, ""))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Name", ordering="path")
    def name(self, node: ListedNode) -> SafeString:
        """Link to a container's list and page, or to the page of another node."""
        page = page_address(node)
        if node.structure_family != "container" or node.row.is_file:
            return format_html("<a href='{}'>{}</a>", page, node.label)
        name = format_html("<a href='{}'>{}</a>", listing_address(node.path), node.label)
        return format_html("{} <a class='details' href='{}'>details</a>", name, page)

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
