"""Users and groups in the admin, where only superusers can change permissions.

With Django's own pages, any user with the permission to change users could become a superuser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from .accounts import is_superuser

if TYPE_CHECKING:
    UserModelAdmin = UserAdmin[User]
else:
    UserModelAdmin = UserAdmin

# The permissions of a user, and the name that grants and identities refer to.
SUPERUSER_FIELDS = ("username", "is_staff", "is_superuser", "groups", "user_permissions")

admin.site.unregister([User, Group])


@admin.register(User)
class GuardedUserAdmin(UserModelAdmin):
    """Users. Staff with the permission to change users can change themselves and non-staff users.

    Superusers can change all users.
    """

    description = (
        "People, who log in with a password or at an identity provider. Staff may use the admin "
        "as far as their permissions allow; superusers have the role admin. A user that is not "
        "active cannot authenticate."
    )

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Return the fields that only superusers can change; a new user needs a name, however."""
        fixed = super().get_readonly_fields(request, obj)
        if obj is None or is_superuser(request):
            return fixed
        return [*fixed, *SUPERUSER_FIELDS]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether the request may change a user; their password, too."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or _is_within_reach(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Return whether the request may delete a user."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or _is_within_reach(request, obj))


@admin.register(Group)
class GuardedGroupAdmin(GroupAdmin):
    """Groups, visible to staff with the permission; only superusers can change them."""

    description = (
        "Sets of users. A group has permissions in the admin, and grants of access tags give it "
        "scopes on nodes."
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the request may create a group: superusers only."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether the request may change a group: superusers only."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether the request may delete a group: superusers only."""
        return is_superuser(request)


def _is_within_reach(request: HttpRequest, user: User) -> bool:
    """Return whether the request may change a user in ways that allow logging in as that user."""
    if is_superuser(request) or user.pk == request.user.pk:
        return True
    return not (user.is_staff or user.is_superuser)
