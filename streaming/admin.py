"""What waits for the streaming cache, in the admin: to be seen, and seen to by the server alone."""

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
    """The outbox, the oldest first."""

    list_display = ("path", "kind", "count", "bytes", "since")
    list_display_links = None
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Waiting]:
        """All of it, without what it holds."""
        return super().get_queryset(request).defer(*CONTENT)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Waiting | None = None) -> bool:
        """Nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Waiting | None = None) -> bool:
        """Nobody: what is not in its stream would be missed without a word."""
        return False

    @admin.display(description="Node")
    def path(self, entry: Waiting) -> str:
        """Where its node is."""
        node = Node.objects.filter(uuid=entry.node).only("path").first()
        return str(node) if node else "deleted"

    @admin.display(description="Size")
    def bytes(self, entry: Waiting) -> str:
        """How large it is."""
        return format_size(entry.size)
