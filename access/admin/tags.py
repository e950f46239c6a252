"""Access tags and their grants in the admin; the API adds tags to nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest

from ..models import Grant, Tag
from ..permissions.tag_permissions import NODE_SCOPES
from ..principals import READ
from .scopes import scope_choices

if TYPE_CHECKING:
    GrantModelForm = forms.ModelForm[Grant]
    GrantInlineBase = admin.TabularInline[Grant, Tag]
    TagModelAdmin = admin.ModelAdmin[Tag]
else:
    GrantModelForm = forms.ModelForm
    GrantInlineBase = admin.TabularInline
    TagModelAdmin = admin.ModelAdmin


class GrantForm(GrantModelForm):
    """A grant, with the scopes to be ticked."""

    scopes = forms.MultipleChoiceField(
        choices=scope_choices(NODE_SCOPES),
        initial=sorted(READ),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Grant
        fields = ("account", "group", "audience", "scopes", "may_apply")


class GrantInline(GrantInlineBase):
    """The grants of a tag, on its page."""

    extra = 1
    form = GrantForm
    model = Grant


@admin.register(Tag)
class TagAdmin(TagModelAdmin):
    """Admin page of access tags."""

    description = (
        "Labels of nodes that decide who may do what with them, if the setting "
        "authentication.access_policy is 'tags'. A grant gives scopes on all nodes with the tag; "
        "nodes get their tags through the API."
    )
    inlines = [GrantInline]
    list_display = ["name", "note", "grant_count", "time_created"]
    search_fields = ["name", "note"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        """Return all tags, annotated with the number of their grants."""
        return super().get_queryset(request).annotate(granted=Count("grants"))

    def get_readonly_fields(self, request: HttpRequest, obj: Tag | None = None) -> Any:
        """Return the name as read-only once nodes may have the tag."""
        return ["name"] if obj else []

    @admin.display(description="Grants")
    def grant_count(self, tag: Tag) -> int:
        """Return the number of grants."""
        return tag.granted  # type: ignore[attr-defined,no-any-return]
