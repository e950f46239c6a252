"""Delete nodes from the admin through the service, with files, locks and announcements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected as django_delete_selected
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from core.errors import NotFound, ServiceError
from core.text import format_count
from tiled_client.wire.structure_family import Management

from ..lookup.nodes import filter_descendants
from ..models import Node
from ..services.nodes.deletion import delete_node
from .tree import listing_address, nearest_node

if TYPE_CHECKING:
    NodeModelAdmin = admin.ModelAdmin[Node]
else:
    NodeModelAdmin = admin.ModelAdmin

MAX_LISTED_NODES = 50


@admin.action(permissions=["delete"], description="Delete selected nodes")
def delete_selected(
    model_admin: NodeDeletionMixin, request: HttpRequest, queryset: QuerySet[Node]
) -> HttpResponse | None:
    """Run Django's delete action, and show an error message if a node cannot be deleted."""
    try:
        return django_delete_selected(model_admin, request, queryset)
    except ServiceError as error:
        model_admin.message_user(request, error.detail, messages.ERROR)
        return None


class NodeDeletionMixin(NodeModelAdmin):
    """Deletion of nodes, for their admin."""

    def has_delete_permission(self, request: HttpRequest, obj: Node | None = None) -> bool:
        """Return whether the user may delete nodes, and the node is not the root."""
        return super().has_delete_permission(request, obj) and (obj is None or obj.path != "")

    def get_deleted_objects(
        self, objs: QuerySet[Node] | Sequence[Node], request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Return what is deleted with `objs`: the first paths, and counts of all nodes."""
        listed: list[Any] = []
        counts: Counter[str] = Counter()
        for node in objs:
            listed.append(str(node))
            counts.update(_counts(node))
            if lower := _listed_below(node):
                listed.append(lower)
        return listed, {noun: count for noun, count in counts.items() if count}, set(), []

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Run Django's view, but without its transaction.

        The service waits for locks, whose holders may wait for the database.
        """
        try:
            return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined,no-any-return]
        except ServiceError as error:
            self.message_user(request, error.detail, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:catalog_node_change", args=[object_id]))

    def delete_model(self, request: HttpRequest, obj: Node) -> None:
        """Delete a node and all its descendants, with the files that the server manages."""
        delete_node(path=obj.path, recursive=True, external_only=False)
        super().log_deletions(request, cast(QuerySet[Node], [obj]))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Node]) -> None:
        """Delete each of these nodes, unless it was deleted with an earlier one."""
        for node in queryset.order_by("path"):
            try:
                self.delete_model(request, node)
            except NotFound:
                continue

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Do nothing: deletions are logged after they succeed."""
        return []

    def response_delete(
        self, request: HttpRequest, obj_display: str, obj_id: int
    ) -> HttpResponseRedirect:
        """Redirect to the list that the node was in."""
        self.message_user(request, f"{obj_display} was deleted.", messages.SUCCESS)
        return HttpResponseRedirect(listing_address(nearest_node(obj_display).path))


def _counts(node: Node) -> dict[str, int]:
    own = Q(data_source__isnull=False) & ~Q(data_source__management=Management.external)
    tree = Q(pk=node.pk) | Q(pk__in=filter_descendants(Node.objects.all(), node.path))
    found = Node.objects.filter(tree).aggregate(nodes=Count("pk"), own=Count("pk", filter=own))
    return {"nodes": found["nodes"], "nodes with data in the server's own storage": found["own"]}


def _listed_below(node: Node) -> list[str]:
    lower = filter_descendants(Node.objects.order_by("path"), node.path)
    listed = [str(found) for found in lower.only("path")[:MAX_LISTED_NODES]]
    rest = lower.count() - len(listed)
    return [*listed, f"and {format_count(rest, 'more node')}"] if rest > 0 else listed
