"""Keys in the admin: listed, made, revoked. None is edited, so that its holder knows what it is."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from .api_keys import create_key
from .durations import moment
from .forms import LoginForm
from .models import ApiKey
from .principals import READ, Scope
from .tags_admin import TagAdmin as TagAdmin

if TYPE_CHECKING:
    KeyModelAdmin = admin.ModelAdmin[ApiKey]
    KeyModelForm = forms.ModelForm[ApiKey]
else:
    KeyModelAdmin = admin.ModelAdmin
    KeyModelForm = forms.ModelForm

admin.site.login_form = LoginForm


class NewKeyForm(KeyModelForm):
    """What a new key is to be."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, scope.value) for scope in Scope],
        initial=sorted(READ),
        widget=forms.CheckboxSelectMultiple,
    )
    expires = forms.CharField(
        required=False,
        help_text="A duration (90m, 12h, 7d, 4w) or a date (2027-01-31); empty: never.",
    )

    class Meta:
        model = ApiKey
        fields = ("note", "scopes", "expires")

    def clean_expires(self) -> datetime | None:
        """The moment that was meant."""
        said = self.cleaned_data["expires"].strip()
        try:
            expires = moment(said) if said else None
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        if expires is not None and expires <= timezone.now():
            raise forms.ValidationError("A key has to expire at a moment that is still to come.")
        return expires


@admin.action(permissions=["delete"], description="Revoke selected keys")
def revoke_selected(
    model_admin: KeyAdmin, request: HttpRequest, queryset: QuerySet[ApiKey]
) -> HttpResponse | None:
    """Django's action to delete; a key whose row is gone is revoked."""
    return delete_selected(model_admin, request, queryset)


@admin.register(ApiKey)
class KeyAdmin(KeyModelAdmin):
    """Keys, as somebody looks after them."""

    actions = [revoke_selected]
    form = NewKeyForm
    list_display = ["first_eight", "note", "scope_names", "expires", "last_used", "time_created"]
    search_fields = ["first_eight", "note"]

    def get_actions(self, request: HttpRequest) -> Any:
        """All but Django's own name for revoking."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Nobody: whoever needs other rights needs another key."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key, and keep its secret for the answer alone."""
        wanted = form.cleaned_data
        made, request.secret_of_new_key = create_key(  # type: ignore[attr-defined]
            scopes=[Scope(name) for name in wanted["scopes"]],
            expires=wanted["expires"],
            note=wanted["note"],
        )
        obj.__dict__.update(made.__dict__)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page with the secret, which cannot be opened again."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Key {obj}",
            "key": obj,
            "secret": request.secret_of_new_key,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/access/apikey/made.html", context)

    @admin.display(description="Scopes")
    def scope_names(self, key: ApiKey) -> str:
        """What it allows."""
        return ", ".join(key.scopes)
