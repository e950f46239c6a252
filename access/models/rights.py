"""Access tags and their grants."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from ..principals import Scope
from .accounts import Account

TAG_LENGTH = 255
RESERVED = ("user:", "service:")
PUBLIC = "public"


class WellKnownHolder(models.TextChoices):
    """Holders of grants that are not accounts or groups."""

    users = "users", "all users and services"
    everybody = "everybody", "everybody, also without credentials"


def check_tag_name(name: str) -> None:
    """Reject reserved tag names, and spaces at the ends. Raises ValidationError."""
    if name.casefold() == PUBLIC or name.startswith(RESERVED):
        raise ValidationError(
            f"The tag {name!r} is reserved: 'public' grants reading to all, 'user:...' and "
            "'service:...' all scopes to that principal."
        )
    if not name.isprintable() or name != name.strip():
        raise ValidationError("A tag must not begin or end with a space, nor have line breaks.")


class Tag(models.Model):
    """An access tag, which nodes can have. Its grants give scopes."""

    name = models.CharField(
        max_length=TAG_LENGTH,
        unique=True,
        validators=[check_tag_name],
        help_text="The name cannot be changed later: nodes may have the tag.",
    )
    note = models.CharField(
        max_length=255, blank=True, default="", help_text="What the tag is for."
    )
    time_created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "access tag"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Grant(models.Model):
    """Scopes of one holder on nodes with the tag: an account, a group, or a well-known holder.

    `may_apply`: whether the holder may add the tag to nodes, and remove it.
    """

    tag = models.ForeignKey(Tag, models.CASCADE, related_name="grants")
    account = models.ForeignKey(
        Account, models.CASCADE, null=True, blank=True, related_name="grants"
    )
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="grants")
    audience = models.CharField(
        max_length=16,
        blank=True,
        default="",
        choices=WellKnownHolder.choices,
        help_text="Instead of one account or one group.",
    )
    scopes = models.JSONField(default=list)
    may_apply = models.BooleanField(
        default=False, help_text="Whether they may add the tag to nodes, and remove it."
    )

    class Meta:
        ordering = ["tag", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tag", "account"], name="access_grant_to_account"),
            models.UniqueConstraint(fields=["tag", "group"], name="access_grant_to_group"),
            models.UniqueConstraint(
                fields=["tag", "audience"],
                condition=~models.Q(audience=""),
                name="access_grant_to_audience",
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(account__isnull=False, group__isnull=True, audience="")
                    | models.Q(account__isnull=True, group__isnull=False, audience="")
                    | (models.Q(account__isnull=True, group__isnull=True) & ~models.Q(audience=""))
                ),
                name="access_grant_one_holder",
                violation_error_message="A grant is for one account, one group, or one audience.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder}: {', '.join(sorted(self.scopes)) or 'nothing'}"

    @property
    def holder(self) -> str:
        """The holder in the notation of commands, such as `user:alice`."""
        if self.account is not None:
            user = self.account.user
            return f"user:{user.get_username()}" if user else f"service:{self.account.uuid}"
        return f"group:{self.group.name}" if self.group else self.audience

    @property
    def known_scopes(self) -> frozenset[Scope]:
        """The scopes, without those that only a later version of this program knows."""
        known = {scope.value for scope in Scope}
        return frozenset(Scope(name) for name in self.scopes if name in known)


class RightsState(models.Model):
    """The version of permissions: one row, changed with every change of permissions."""

    epoch = models.UUIDField(default=uuid.uuid4, editable=False)
    number = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return str(self.number)
