"""The table of keys."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils import timezone

from ..principals import Scope
from .accounts import Account
from .sessions import Session

FIRST = 8
SCOPES = frozenset(scope.value for scope in Scope)


class ApiKey(models.Model):
    """A key besides the site's own. Its secret is not kept, only what tells it from another.

    The row is the key: whoever deletes it revokes the key. A key without an owner is the site's,
    and counts where there are no users; one with an owner counts where there are. `made_by` is the
    key that a key was made with, and without which it is gone, too; `session` the login that it
    was made with, if it only carries this over to a subscription.
    """

    first_eight = models.CharField(max_length=FIRST, unique=True, editable=False)
    hashed_secret = models.CharField(max_length=64, editable=False)
    owner = models.ForeignKey(Account, models.CASCADE, null=True, blank=True, related_name="keys")
    scopes = models.JSONField(default=list)
    access_tags = models.JSONField(null=True, blank=True)
    note = models.CharField(max_length=255, blank=True, default="")
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
        """Whether it has not expired."""
        return self.expires is None or self.expires > (now or timezone.now())
