"""Throttling of failed logins, shared by all server processes, in bounded memory.

Failures are counted per address, per name at one address, and per name at all addresses from which
it never logged in. After a few free attempts the delay doubles with each failure, up to a maximum;
the response contains it. At an address from which a user has logged in before, failures elsewhere
do not delay that user.

An attempt is counted before the password is checked, so that concurrent attempts count, too. Names
and addresses are hashed into a fixed number of buckets, which bounds the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.errors import TooMany

from ..models import Attempt, Session

ATTEMPT_WINDOW = timedelta(minutes=15)
TOO_MANY_ATTEMPTS = "Too many failed attempts. Try again in {} seconds."


@dataclass(frozen=True, slots=True)
class Rule:
    """Free attempts, delay of the first further one, and maximum delay in seconds."""

    free_attempts: int
    max_wait: float
    buckets: int
    first_wait: float = 1.0

    def wait(self, failures: int) -> float:
        """Return the delay in seconds after this many failures."""
        if failures < self.free_attempts:
            return 0.0
        return float(
            min(self.max_wait, self.first_wait * 2.0 ** min(failures - self.free_attempts, 30))
        )


RULES = {
    "pair": Rule(free_attempts=5, max_wait=60, buckets=16384),
    "address": Rule(free_attempts=30, max_wait=30, buckets=4096),
    "name": Rule(free_attempts=50, max_wait=30, buckets=4096),
    "code": Rule(free_attempts=5, max_wait=60, buckets=4096),
    # Wrong keys: each by itself, and those of an address (see `key_attempts`).
    "wrong": Rule(free_attempts=0, max_wait=0, buckets=65536),
    "guesses": Rule(free_attempts=50, max_wait=30, buckets=4096),
}


def count_login_attempt(name: str, address: str) -> None:
    """Count an attempt to log in as `name`. Raises TooMany where it has to wait."""
    _count(list(_buckets(name, address)))


def count_code_attempt(account: str) -> None:
    """Count an attempt to enter a user code. Raises TooMany if it comes too soon."""
    _count([_bucket("code", account)])


def count_wrong_key(address: str, digest: bytes) -> int:
    """Count a wrong key from `address`; return how many different ones came from there recently."""
    now = timezone.now()
    key, guesses = _bucket("wrong", f"{address} {digest.hex()}"), _bucket("guesses", address)
    with transaction.atomic():
        known = Attempt.objects.filter(bucket=key, latest__gt=now - ATTEMPT_WINDOW)
        if not known.update(latest=now):
            Attempt.objects.update_or_create(bucket=key, defaults={"latest": now})
            rows = [Attempt(bucket=guesses, latest=now)]
            Attempt.objects.bulk_create(rows, ignore_conflicts=True)
            held = Attempt.objects.select_for_update().get(bucket=guesses)
            fresh = now - held.latest < ATTEMPT_WINDOW
            held.failures, held.latest = (held.failures if fresh else 0) + 1, now
            held.save(update_fields=["failures", "latest"])
        found = Attempt.objects.filter(bucket=guesses).values_list("failures", flat=True).first()
    return found or 0


def reset_login_attempts(name: str, address: str) -> None:
    """Reset the count after the right password; uncount the attempt for the address."""
    pair, *others = _buckets(name, address)
    Attempt.objects.filter(bucket=pair).delete()
    fewer = Greatest(F("failures") - 1, 0)
    Attempt.objects.filter(bucket__in=others, failures__gt=0).update(failures=fewer)


def reset_code_attempts(account: str) -> None:
    """Reset the count after the right user code."""
    Attempt.objects.filter(bucket=_bucket("code", account)).delete()


def _buckets(name: str, address: str) -> Iterator[str]:
    yield _bucket("pair", f"{name}\n{address}")
    if address:
        yield _bucket("address", address)
    if not _has_logged_in(name, address):
        yield _bucket("name", name)


def _has_logged_in(name: str, address: str) -> bool:
    if not address or "\0" in name:
        return False
    return Session.objects.filter(account__user__username=name, address=address).exists()


def _bucket(kind: str, what: str) -> str:
    # Keyed, so that a client cannot find out which names share a bucket.
    digest = salted_hmac(f"access.throttling.{kind}", what).digest()
    return f"{kind} {int.from_bytes(digest[:8]) % RULES[kind].buckets}"


def _count(buckets: list[str]) -> None:
    now = timezone.now()
    with transaction.atomic():
        rows = [Attempt(bucket=bucket, latest=now) for bucket in buckets]
        Attempt.objects.bulk_create(rows, ignore_conflicts=True)
        # In one order, so that no two wait for each other.
        held = Attempt.objects.select_for_update().filter(bucket__in=buckets).order_by("bucket")
        attempts = list(held)
        seconds = max(_must_wait(attempt, now) for attempt in attempts)
        if seconds <= 0:
            for attempt in attempts:
                fresh = now - attempt.latest < ATTEMPT_WINDOW
                attempt.failures, attempt.latest = (attempt.failures if fresh else 0) + 1, now
            Attempt.objects.bulk_update(attempts, ["failures", "latest"])
    if seconds > 0:
        whole = math.ceil(seconds)
        raise TooMany(TOO_MANY_ATTEMPTS.format(whole), retry_after=whole)


def _must_wait(attempt: Attempt, now: datetime) -> float:
    rule = RULES[attempt.bucket.partition(" ")[0]]
    return rule.wait(attempt.failures) - (now - attempt.latest).total_seconds()
