"""Failed logins are slowed down, and those of the right user are not shut out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from access.authentication.throttling import (
    ATTEMPT_WINDOW,
    RULES,
    Rule,
    count_login_attempt,
    reset_login_attempts,
)
from access.models import Attempt, Session
from core.errors import TooMany

from .conftest import Visitor, detail

pytestmark = pytest.mark.django_db(transaction=True)
FREE = RULES["pair"].free_attempts


def fail(name: str, address: str, times: int) -> int:
    """How many of so many attempts were let through."""
    passed = 0
    for _ in range(times):
        try:
            count_login_attempt(name, address)
        except TooMany:
            continue
        passed += 1
    return passed


def later(**passed: float) -> None:
    """So much time goes by."""
    Attempt.objects.update(latest=F("latest") - timedelta(**passed))


def test_failed_logins_cause_delays_with_retry_after(alice: User) -> None:
    for _ in range(FREE):
        assert Visitor().log_in("alice", "wrong").status_code == 401
    slow = Visitor().log_in("alice", "wonderland")
    assert slow.status_code == 429
    assert 1 <= int(slow.headers["Retry-After"]) <= 60
    assert "Try again in" in detail(slow)
    later(seconds=61)
    assert Visitor().log_in("alice", "wonderland").status_code == 200
    # From the beginning.
    assert Visitor().log_in("alice", "wrong").status_code == 401


def test_an_unknown_name_is_delayed_like_a_known_one(alice: User) -> None:
    answers = {
        name: [Visitor().log_in(name, "wrong").status_code for _ in range(FREE + 1)]
        for name in ("alice", "nobody")
    }
    assert answers["alice"] == answers["nobody"] == [401] * FREE + [429]


def test_concurrent_logins_have_no_more_attempts_than_sequential_ones() -> None:
    def attempt(_: int) -> int:
        try:
            return fail("alice", "192.0.2.1", 1)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(attempt, range(40))) == FREE


def test_failures_from_elsewhere_do_not_delay_a_known_address(alice: User) -> None:
    here = "192.0.2.7"
    expires = timezone.now() + timedelta(days=1)
    Session.objects.create(account=alice.account, address=here, expires=expires)
    for number in range(RULES["name"].free_attempts + 10):
        fail("alice", f"198.51.{number}.1", 2)
    # Elsewhere strangers have to wait for each other by now.
    assert fail("alice", "203.0.113.1", 1) == 0
    assert fail("alice", here, 1) == 1
    reset_login_attempts("alice", here)
    assert fail("alice", here, FREE) == FREE


def test_an_address_that_tries_many_names_has_to_wait() -> None:
    free = RULES["address"].free_attempts
    # Not many more: on a busy machine they would take as long as the first wait, a second.
    assert [fail(f"name{n}", "192.0.2.9", 1) for n in range(free + 1)] == [1] * free + [0]


def test_failed_attempts_expire_and_their_records_are_deleted() -> None:
    fail("alice", "192.0.2.1", 20)
    later(seconds=ATTEMPT_WINDOW.total_seconds() + 1)
    assert fail("alice", "192.0.2.1", FREE) == FREE
    for number in range(50):
        fail(f"name {number}\0" * 9, f"2001:db8::{number}", 1)
    assert set(Attempt.objects.values_list("bucket", flat=True)) <= {
        f"{kind} {n}" for kind, rule in RULES.items() for n in range(rule.buckets)
    }


def test_the_login_form_of_the_pages_is_throttled_too(alice: User) -> None:
    User.objects.update(is_staff=True)
    form = {"username": "alice", "password": "wrong", "next": "/admin/"}
    for _ in range(FREE):
        assert "correct username and password" in Client().post(
            "/admin/login/", form
        ).content.decode().replace("\n", " ")
    slow = Client().post("/admin/login/", {**form, "password": "wonderland"})
    assert "Too many failed attempts" in slow.content.decode()


@given(st.integers(0, 10**9), st.sampled_from(sorted(RULES)))
def test_no_number_of_failures_locks_an_account_permanently(failures: int, kind: str) -> None:
    rule: Rule = RULES[kind]
    assert 0 <= rule.wait(failures) <= rule.wait(failures + 1) <= rule.max_wait <= 60
