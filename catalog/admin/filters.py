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
    """Whether to list only children, or all descendants; `NodeList` applies it."""

    title = "depth"
    parameter_name = DEPTH_VAR

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the one choice besides children only."""
        return [(ALL_LEVELS, "Everything below")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield children only, and all descendants; a search always covers all descendants."""
        children, everything = super().choices(changelist)
        if not changelist.query:
            yield {**children, "display": "Children only"}
        yield {**everything, "selected": bool(changelist.query) or everything["selected"]}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Node]) -> QuerySet[Node]:
        """Return all nodes."""
        return queryset


class AgeFilter(admin.SimpleListFilter):
    """Base of filters by the age of a timestamp."""

    field: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the time spans to choose from."""
        return [(name, text) for name, (text, _) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Node]) -> QuerySet[Node]:
        """Return the nodes with a timestamp within the chosen span."""
        if (chosen := SPANS.get(self.value() or "")) is None:
            return queryset
        return queryset.filter(**{f"{self.field}__gte": timezone.now() - chosen[1]})


class CreatedFilter(AgeFilter):
    """Nodes that were created recently."""

    title = "created"
    parameter_name = "created"
    field = "time_created"


class UpdatedFilter(AgeFilter):
    """Nodes whose metadata were updated recently."""

    title = "updated"
    parameter_name = "updated"
    field = "time_updated"
