"""Admin page of API keys: list, create, revoke. Keys never change, so holders can rely on them."""

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

from core.errors import ServiceError

from ..accounts.account_state import INHERIT
from ..api_keys.expiry import parse_expiry
from ..api_keys.issuing import ApiKeyRequest, issue_for_account
from ..api_keys.store import create_key
from ..config import authentication_settings
from ..models import ApiKey
from ..principals import ACCOUNT_SCOPES, READ, Scope
from .accounts import AccountAdmin as AccountAdmin
from .accounts import SessionAdmin as SessionAdmin
from .accounts import is_superuser
from .forms import LoginForm
from .scopes import scope_choices
from .tags import TagAdmin as TagAdmin
from .users import GuardedUserAdmin as GuardedUserAdmin

if TYPE_CHECKING:
    KeyModelAdmin = admin.ModelAdmin[ApiKey]
    KeyModelForm = forms.ModelForm[ApiKey]
else:
    KeyModelAdmin = admin.ModelAdmin
    KeyModelForm = forms.ModelForm

admin.site.login_form = LoginForm


class NewKeyForm(KeyModelForm):
    """Form of a new API key on a site without users."""

    scopes = forms.MultipleChoiceField(
        choices=scope_choices(set(Scope) - ACCOUNT_SCOPES),
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
        """Return the expiry time, or None for a key that never expires."""
        said = self.cleaned_data["expires"].strip()
        try:
            expires = parse_expiry(said) if said else None
        except ValueError as error:
            raise forms.ValidationError(f"{error}.") from None
        if expires is not None and expires <= timezone.now():
            raise forms.ValidationError("A key has to expire at a moment that is still to come.")
        return expires


class NewOwnedKeyForm(NewKeyForm):
    """Form of a new API key on a site with users, where each key has an owner."""

    scopes = forms.MultipleChoiceField(
        choices=[(INHERIT, "all that its owner has"), *scope_choices(Scope)],
        initial=[INHERIT],
        widget=forms.CheckboxSelectMultiple,
        help_text="A key has those of these scopes that its owner has at the time of a request.",
    )

    class Meta:
        model = ApiKey
        fields = ("owner", "note", "scopes", "expires")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].required = True

    def clean(self) -> dict[str, Any] | None:
        """Create the key, so that missing permissions of its owner become errors of the form."""
        requested = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.made = _issued(requested)
            except ServiceError as error:
                raise forms.ValidationError(error.detail) from None
        return requested


def _issued(requested: dict[str, Any]) -> tuple[ApiKey, str]:
    expires = requested["expires"]
    return issue_for_account(
        account=requested["owner"],
        requested=ApiKeyRequest(
            scopes=frozenset(requested["scopes"]),
            lifetime=None if expires is None else expires - timezone.now(),
            access_tags=None,
            note=requested["note"],
        ),
    )


def _of_site(requested: dict[str, Any]) -> tuple[ApiKey, str]:
    scopes = [Scope(name) for name in requested["scopes"]]
    return create_key(scopes=scopes, expires=requested["expires"], note=requested["note"])


@admin.action(permissions=["delete"], description="Revoke selected keys")
def revoke_selected(
    model_admin: KeyAdmin, request: HttpRequest, queryset: QuerySet[ApiKey]
) -> HttpResponse | None:
    """Revoke the selected keys with Django's action for deletion."""
    return delete_selected(model_admin, request, queryset)


@admin.register(ApiKey)
class KeyAdmin(KeyModelAdmin):
    """Admin page of API keys."""

    description = (
        "Secrets with which programs authenticate. A key cannot be changed; revoke it, and create "
        "another. Revoking a key also revokes those that were created with it, and closes its "
        "subscriptions."
    )
    actions = [revoke_selected]
    form = NewKeyForm
    autocomplete_fields = ["owner"]
    list_select_related = ["owner__user"]
    list_display = [
        "first_eight",
        "owner",
        "note",
        "scope_names",
        "expires",
        "last_used",
        "time_created",
    ]
    search_fields = ["first_eight", "note", "owner__user__username", "owner__note"]

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the form for a site with users, or without."""
        owned = authentication_settings().multi_user
        kwargs["form"] = NewOwnedKeyForm if owned and obj is None else NewKeyForm
        return super().get_form(request, obj, *args, **kwargs)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """Return the fields of the form."""
        owned = obj.owner_id if obj else authentication_settings().multi_user
        return ["owner", "note", "scopes", "expires"] if owned else ["note", "scopes", "expires"]

    def get_actions(self, request: HttpRequest) -> Any:
        """Return the actions without Django's deletion, which `revoke_selected` replaces."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow superusers only on a site with users: a key acts as its owner."""
        if authentication_settings().multi_user:
            return is_superuser(request)
        return super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Forbid changes: other permissions need another key."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Create the key, and keep its secret for the response only."""
        made, request.secret_of_new_key = (  # type: ignore[attr-defined]
            form.made if authentication_settings().multi_user else _of_site(form.cleaned_data)
        )
        obj.__dict__.update(made.__dict__)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Return the page with the secret, which is shown only once."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Key {obj}",
            "key": obj,
            "secret": request.secret_of_new_key,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/access/apikey/made.html", context)

    @admin.display(description="Scopes")
    def scope_names(self, key: ApiKey) -> str:
        """Return the scopes as text."""
        return ", ".join(key.scopes)
