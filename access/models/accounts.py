"""Accounts of users and services, which the API calls principals."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from ..principals import Kind
from ..roles import Role


class Account(models.Model):
    """An account, which can own API keys: one for each Django user, and one for each service.

    The role of a user follows from Django's `is_superuser`, that of a service is `role`.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=8, choices=[(k.value, k.value) for k in Kind])
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="account"
    )
    role = models.CharField(
        max_length=8,
        choices=[(r.value, r.value) for r in Role],
        default=Role.user.value,
        help_text="An admin may also register files, and manage API keys and accounts.",
    )
    note = models.CharField(
        max_length=255, blank=True, default="", help_text="What the account is for."
    )
    active = models.BooleanField(
        default=True,
        help_text="A service that is not active cannot authenticate. A user is deactivated on the "
        "page of the user.",
    )
    time_created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "account"
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind=Kind.user.value, user__isnull=False)
                | models.Q(kind=Kind.service.value, user__isnull=True),
                name="access_account_users_have_a_user",
            )
        ]

    def __str__(self) -> str:
        return self.user.get_username() if self.user else self.note or self.uuid.hex


class Identity(models.Model):
    """The identity of a user at an identity provider."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="identities")
    provider = models.CharField(
        max_length=64,
        help_text="The name of an identity provider in the setting authentication.providers.",
    )
    identifier = models.CharField(
        max_length=255,
        help_text="The user at that provider: the claim sub, or that of the setting id_claim.",
    )
    latest_login = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name_plural = "identities"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "identifier"], name="access_identity_is_one_account"
            )
        ]

    def __str__(self) -> str:
        return f"{self.identifier} at {self.provider}"
