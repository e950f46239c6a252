"""The table of API keys."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone

from ..principals import Scope
from .accounts import Account
from .sessions import Session

KEY_PREFIX_LENGTH = 8
SCOPES = frozenset(scope.value for scope in Scope)


class ApiKey(models.Model):
    """An API key besides the site-wide one. Only a digest of its secret is stored.

    Deleting the row revokes the key. A key without an owner belongs to the site, and is valid only
    without users; one with an owner only with users. `made_by` is the key that it was created with
    and is revoked with; `session` the login that it was created with, if it is a WebSocket key.
    """

    first_eight = models.CharField(max_length=KEY_PREFIX_LENGTH, unique=True, editable=False)
    hashed_secret = models.CharField(max_length=64, editable=False)
    owner = models.ForeignKey(
        Account,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="keys",
        help_text="The account that the key acts for.",
    )
    scopes = models.JSONField(default=list)
    access_tags = models.JSONField(null=True, blank=True)
    note = models.CharField(
        max_length=255, blank=True, default="", help_text="What the key is for, or who has it."
    )
    time_created = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, editable=False)
    session = models.ForeignKey(
        Session, models.CASCADE, null=True, editable=False, related_name="+"
    )
    made_by = models.ForeignKey("self", models.CASCADE, null=True, editable=False, related_name="+")

    class Meta:
        verbose_name = "API key"
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.first_eight

    def is_valid(self, now: datetime | None = None) -> bool:
        """Return whether the key has not expired."""
        return self.expires is None or self.expires > (now or timezone.now())
