"""The admin of nodes: a tree to walk through, pages to read, nothing to edit.

Whatever changes a node goes through the API, which keeps storage, streams and revisions in step;
deletion is offered here and goes the same way.
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
    """Nodes, as somebody inspects them."""

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
        """Django's, and the way to a path that somebody types."""
        jump = path("jump/", self.admin_site.admin_view(self.jump_view), name="catalog_node_jump")
        return [jump, *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: a node is made together with its storage."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        """Nobody: what is stored relies on it."""
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[NodeList]:
        """The list that walks the tree."""
        return NodeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Node], search_term: str
    ) -> tuple[QuerySet[Node], bool]:
        """The nodes found, each of them once."""
        return search(queryset, search_term), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list; from a path that no container has, the nearest one above it."""
        try:
            return super().changelist_view(request, extra_context)
        except NotFound:
            return self._lead(request, request.GET.get(PATH_VAR, ""))

    def jump_view(self, request: HttpRequest) -> HttpResponse:
        """Where somebody wants to be who types this path."""
        return self._lead(request, request.GET.get(PATH_VAR, ""))

    def _lead(self, request: HttpRequest, wanted: str) -> HttpResponseRedirect:
        node = nearest_node(wanted)
        if len(node.segments) < len(split_path(wanted)):
            sentence = f"There is no node at {wanted}; the nearest one above it is {node}."
            self.message_user(request, sentence, messages.WARNING)
        return HttpResponseRedirect(jump_address(node))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The page of a node."""
        context |= node_page(context["original"], request.GET.get("frame", ""))
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Name", ordering="path")
    def name(self, node: ListedNode) -> SafeString:
        """The way into a container, and to its page; or to the page of anything else."""
        name = format_html("<a href='{}'>{}</a>", jump_address(node), node.label)
        if node.structure_family != "container":
            return name
        return format_html("{} <a class='details' href='{}'>details</a>", name, page_address(node))

    @admin.display(description="Family", ordering="structure_family")
    def family(self, node: ListedNode) -> SafeString:
        """The structure family, in a colour of its own."""
        return format_html("<span class='family family-{0}'>{0}</span>", node.structure_family)

    @admin.display(description="Content")
    def content(self, node: ListedNode) -> str:
        """Children, shape and dtype, or columns."""
        return node.row.content

    @admin.display(description="Size")
    def size(self, node: ListedNode) -> str:
        """The size of the data."""
        return node.row.size

    @admin.display(description="Specs")
    def spec_names(self, node: ListedNode) -> str:
        """What the node declares itself to be."""
        return format_specs(node.specs)

    @admin.display(description="Created (UTC)", ordering="time_created")
    def created(self, node: ListedNode) -> str:
        """When it was made."""
        return format_utc(node.time_created)

    @admin.display(description="Updated (UTC)", ordering="time_updated")
    def updated(self, node: ListedNode) -> str:
        """When its metadata last changed."""
        return format_utc(node.time_updated)
