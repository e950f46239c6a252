"""The filters beside the list of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ..models import Node

DEPTH_VAR = "depth"
ALL_LEVELS = "all"
SPANS = {
    "hour": ("Past hour", timedelta(hours=1)),
    "day": ("Past day", timedelta(days=1)),
    "week": ("Past 7 days", timedelta(days=7)),
    "month": ("Past 30 days", timedelta(days=30)),
}


class DepthFilter(admin.SimpleListFilter):
    """Whether only children are listed, or everything below; the list itself sees to it."""

    title = "depth"
    parameter_name = DEPTH_VAR

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The one choice besides children only."""
        return [(ALL_LEVELS, "Everything below")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Children only, and everything below; a search is always for everything below."""
        children, everything = super().choices(changelist)
        if not changelist.query:
            yield {**children, "display": "Children only"}
        yield {**everything, "selected": bool(changelist.query) or everything["selected"]}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Node]) -> QuerySet[Node]:
        """All of them."""
        return queryset


class AgeFilter(admin.SimpleListFilter):
    """How long ago something happened to a node, from now back."""

    field: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The spans to choose from."""
        return [(name, text) for name, (text, _) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Node]) -> QuerySet[Node]:
        """The nodes to which it happened within the span."""
        if (chosen := SPANS.get(self.value() or "")) is None:
            return queryset
        return queryset.filter(**{f"{self.field}__gte": timezone.now() - chosen[1]})


class CreatedFilter(AgeFilter):
    """Nodes made lately."""

    title = "created"
    parameter_name = "created"
    field = "time_created"


class UpdatedFilter(AgeFilter):
    """Nodes described anew lately."""

    title = "updated"
    parameter_name = "updated"
    field = "time_updated"
