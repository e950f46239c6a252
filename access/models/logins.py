"""Incomplete logins: device flows in progress, and failed attempts."""

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

    A bucket is a number that many names share, which bounds the number of rows.
    """

    bucket = models.CharField(max_length=24, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    latest = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.bucket
