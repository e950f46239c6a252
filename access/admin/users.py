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

# What a user may do, and the name that rights and identities go by.
SUPERUSER_FIELDS = ("username", "is_staff", "is_superuser", "groups", "user_permissions")

admin.site.unregister([User, Group])


@admin.register(User)
class GuardedUserAdmin(UserModelAdmin):
    """Users. Staff with the permission to change users changes plain ones, and itself."""

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
    """Groups, seen by staff with the permission and changed by superusers."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the request may make a group: superusers."""
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether the request may change a group: superusers."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Return whether the request may delete a group: superusers."""
        return is_superuser(request)


def _is_within_reach(request: HttpRequest, user: User) -> bool:
    """Return whether the request may do to a user what would let it log in as them."""
    if is_superuser(request) or user.pk == request.user.pk:
        return True
    return not (user.is_staff or user.is_superuser)
