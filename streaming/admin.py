"""Read-only admin page of the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog.models import Node
from core.text import format_size

from .models import Waiting

if TYPE_CHECKING:
    WaitingModelAdmin = admin.ModelAdmin[Waiting]
else:
    WaitingModelAdmin = admin.ModelAdmin

CONTENT = ("before", "after", "payload")


@admin.register(Waiting)
class WaitingAdmin(WaitingModelAdmin):
    """The entries of the outbox, the oldest first."""

    description = (
        "Updates that are stored, but not in their streams yet because Redis cannot be reached. "
        "They are added in order as soon as it can. Entries cannot be changed here."
    )
    list_display = ("path", "kind", "count", "bytes", "since")
    list_display_links = None
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Waiting]:
        """Return all entries, without their content, which may be large."""
        return super().get_queryset(request).defer(*CONTENT)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Deny: only the server adds entries."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Waiting | None = None) -> bool:
        """Deny: only the server changes entries."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Waiting | None = None) -> bool:
        """Deny: subscribers would miss the update without a notice."""
        return False

    @admin.display(description="Node")
    def path(self, entry: Waiting) -> str:
        """Return the path of the node."""
        node = Node.objects.filter(uuid=entry.node).only("path").first()
        return str(node) if node else "deleted"

    @admin.display(description="Size")
    def bytes(self, entry: Waiting) -> str:
        """Return the size of the content."""
        return format_size(entry.size)
