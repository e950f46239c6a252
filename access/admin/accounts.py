"""Admin pages of accounts (users and services), and of their sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from ..accounts.account_state import state_of_account
from ..login.sessions import revoke_session
from ..models import Account, Identity, Session
from ..principals import Kind

if TYPE_CHECKING:
    AccountModelAdmin = admin.ModelAdmin[Account]
    SessionModelAdmin = admin.ModelAdmin[Session]
    IdentityTabular = admin.TabularInline[Identity, Account]
    AccountModelForm = forms.ModelForm[Account]
else:
    AccountModelAdmin = SessionModelAdmin = admin.ModelAdmin
    IdentityTabular = admin.TabularInline
    AccountModelForm = forms.ModelForm


def is_superuser(request: HttpRequest) -> bool:
    """Return whether the user of the request is a superuser."""
    return bool(getattr(request.user, "is_superuser", False))


class ServiceForm(AccountModelForm):
    """Form of a service; users have Django's own form."""

    class Meta:
        model = Account
        fields = ("note", "role", "active")

    def save(self, commit: bool = True) -> Account:
        """Save the account, as a service if it is new."""
        if self.instance._state.adding:
            self.instance.kind = Kind.service
        saved: Account = super().save(commit)
        return saved


class Identities(IdentityTabular):
    """Identities of a user at identity providers."""

    model = Identity
    extra = 0
    fields = ["provider", "identifier", "latest_login"]
    readonly_fields = ["latest_login"]

    def has_add_permission(  # type: ignore[override]  # as Django calls it
        self, request: HttpRequest, obj: Account | None
    ) -> bool:
        """Allow superusers, as for the account."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Allow superusers, as for the account."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Allow superusers, as for the account."""
        return is_superuser(request)


@admin.register(Account)
class AccountAdmin(AccountModelAdmin):
    """Admin page of accounts."""

    description = (
        "One account for each user, and one for each service (a program that belongs to no "
        "person). An account owns API keys and sessions, and grants give it scopes. Create users "
        "under Users, services here."
    )
    form = ServiceForm
    list_display = ["__str__", "kind", "now", "uuid", "note", "time_created"]
    list_filter = ["kind"]
    list_select_related = ["user"]
    search_fields = ["user__username", "note", "uuid", "identities__identifier"]

    def get_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        """Return the fields; of a user only those that the user's own page does not have."""
        if obj is not None and obj.kind == Kind.user:
            return ["uuid", "user", "note"]
        return ["note", "role", "active", *(["uuid"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> Any:
        """Return the fields that never change."""
        return ["uuid", "user"] if obj else []

    def get_inlines(self, request: HttpRequest, obj: Account | None) -> Any:
        """Return the identities, for users only."""
        return [Identities] if obj is not None and obj.kind == Kind.user else []

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow superusers only: a service may be an admin."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Allow superusers only: adding an identity to a user allows logging in as that user."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Allow superusers to delete services; users are deleted on their own page."""
        is_user = obj is not None and obj.kind == Kind.user
        return not is_user and is_superuser(request)

    def get_actions(self, request: HttpRequest) -> Any:
        """Return no actions: they would apply to users as well."""
        return {}

    @admin.display(description="Role")
    def now(self, account: Account) -> str:
        """Return the current role, or `deactivated`."""
        state = state_of_account(account)
        return state.role.value if state.active else "deactivated"


@admin.action(permissions=["change"], description="Revoke selected sessions")
def revoke_selected(
    model_admin: SessionAdmin, request: HttpRequest, queryset: QuerySet[Session]
) -> None:
    """Revoke the selected sessions and close their connections."""
    for session in queryset:
        revoke_session(uuid=session.uuid)


@admin.register(Session)
class SessionAdmin(SessionModelAdmin):
    """Admin page of sessions, which can be revoked."""

    description = (
        "Logins of users with programs. To revoke a session ends it at once and closes its "
        "subscriptions; API keys that were created in it stay valid."
    )
    actions = [revoke_selected]
    date_hierarchy = "time_created"
    list_display = [
        "uuid",
        "account",
        "provider",
        "address",
        "time_created",
        "latest_activity",
        "expires",
        "revoked",
    ]
    list_filter = ["revoked", "provider"]
    list_select_related = ["account__user"]
    search_fields = ["account__user__username", "identifier", "address"]

    def get_actions(self, request: HttpRequest) -> Any:
        """Return the actions without deletion, so that revoked sessions remain visible."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Forbid adding: a session is created by a login."""
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Session | None = None) -> Any:
        """Return all fields: sessions are revoked from the list."""
        return [field.name for field in Session._meta.fields]
