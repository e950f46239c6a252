"""The list of nodes: the children of one container, or all nodes below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from core.errors import NotFound
from tiled_client.wire.structure_family import StructureFamily

from ..lookup.nodes import filter_descendants, resolve_family
from ..models import Node
from .filters import ALL_LEVELS, DEPTH_VAR
from .rows import Row, describe
from .tree import PATH_VAR, Breadcrumb, breadcrumbs, is_listed, page_address

if TYPE_CHECKING:

    class ListedNode(Node):
        """A node of the list, with its label and the summary of its data."""

        row: Row
        label: str


class NodeList(ChangeList):
    """The list below the container that the query string names (`path`).

    Raises NotFound if there is no such container, or if it is a registered file.
    """

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        path = request.GET.get(PATH_VAR, "")
        self.container = resolve_family(path, StructureFamily.container)
        if not is_listed(self.container):
            raise NotFound(f"{self.container} is a file.")
        super().__init__(request, *args, **kwargs)
        self.title = str(self.container)

    @property
    def breadcrumbs(self) -> list[Breadcrumb]:
        """The path from the root to this container."""
        return breadcrumbs(self.container.segments)

    @property
    def container_page(self) -> str:
        """The URL of the container's own page."""
        return page_address(self.container)

    @property
    def deep(self) -> bool:
        """Whether all descendants are listed, not only children."""
        return bool(self.query) or self.params.get(DEPTH_VAR) == ALL_LEVELS

    @property
    def without_search(self) -> str:
        """The query string of this list without the search."""
        return self.get_query_string(remove=[SEARCH_VAR])

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the query parameters that filters understand: all except the path."""
        chosen = super().get_filters_params(params)
        return {name: value for name, value in chosen.items() if name != PATH_VAR}

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Node]:
        """Return the nodes to list; metadata are searched, but not fetched."""
        nodes: QuerySet[Node] = super().get_queryset(request, exclude_parameters).defer("metadata")
        if self.deep:
            return filter_descendants(nodes, self.container.path)
        return nodes.filter(parent=self.container)

    def get_results(self, request: HttpRequest) -> None:
        """Fetch one page, with a summary of each node."""
        super().get_results(request)
        nodes = list(self.result_list)
        rows = describe(nodes)
        head = len(self.container.path) + 1 if self.container.path else 0
        for node in nodes:
            node.row, node.label = rows[node.pk], node.path[head:]
        self.result_list = nodes
