"""The table of sessions."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from .accounts import Account


class Session(models.Model):
    """A login that can be refreshed until it expires or is revoked."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    account = models.ForeignKey(Account, models.CASCADE, related_name="sessions")
    provider = models.CharField(max_length=64, editable=False)
    identifier = models.CharField(max_length=255, editable=False)
    address = models.CharField(max_length=64, editable=False, default="")
    state = models.JSONField(default=dict, editable=False)
    time_created = models.DateTimeField(default=timezone.now, editable=False)
    latest_activity = models.DateTimeField(default=timezone.now, editable=False)
    expires = models.DateTimeField()
    revoked = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.uuid.hex
