"""Logins that have not happened yet: under way in a browser, or tried with a wrong password."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from .accounts import Account


class PendingLogin(models.Model):
    """A terminal that waits for approval of its user code in a browser."""

    hashed_device_code = models.CharField(max_length=64, unique=True)
    user_code = models.CharField(max_length=9, unique=True)
    provider = models.CharField(max_length=64)
    address = models.CharField(max_length=64, default="")
    time_created = models.DateTimeField(default=timezone.now)
    expires = models.DateTimeField()
    account = models.ForeignKey(Account, models.CASCADE, null=True)
    identifier = models.CharField(max_length=255, default="")

    def __str__(self) -> str:
        return self.user_code


class Attempt(models.Model):
    """Recent failed logins that fall into this bucket.

    Buckets are numbers, many names to one, so that there is a bound to how many rows there can be.
    """

    bucket = models.CharField(max_length=24, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    latest = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.bucket
