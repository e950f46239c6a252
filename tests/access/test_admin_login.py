"""The admin is entered with the API key."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from access.authentication.throttling import RULES
from access.models import Attempt

from .conftest import LOCAL, with_authentication

pytestmark = pytest.mark.django_db


def log_in(name: str, password: str) -> Client:
    client = Client()
    client.post("/admin/login/", {"username": name, "password": password})
    return client


def inside(client: Client) -> bool:
    return client.get("/admin/catalog/node/").status_code == 200


def test_admin_with_the_api_key_is_a_superuser_without_a_password_of_their_own() -> None:
    assert inside(log_in("admin", "secret"))
    assert inside(log_in("admin", "secret"))
    user = User.objects.get()
    assert (user.is_superuser, user.has_usable_password()) == (True, False)


@pytest.mark.parametrize(
    ("name", "password"), [("admin", "wrong"), ("admin", ""), ("root", "secret")]
)
def test_other_credentials_are_rejected_and_create_no_user(name: str, password: str) -> None:
    assert not inside(log_in(name, password))
    assert not User.objects.exists()


def test_a_deactivated_admin_is_logged_out_and_cannot_log_in() -> None:
    client = log_in("admin", "secret")
    User.objects.update(is_active=False)
    assert not inside(client)
    assert not inside(log_in("admin", "secret"))


def test_ordinary_superusers_get_in_with_their_password() -> None:
    User.objects.create_superuser("ada", password="engine")
    assert inside(log_in("ada", "engine"))


def test_a_session_ends_with_the_key_that_opened_it(settings: Settings) -> None:
    client = log_in("admin", "secret")
    assert inside(client)
    with_authentication(settings, single_user_api_key="another")
    assert not inside(client)
    client = log_in("admin", "another")
    assert inside(client)
    with_authentication(settings, providers=[LOCAL])
    assert not inside(client)


def test_a_session_of_a_password_does_not_hang_on_the_key(settings: Settings) -> None:
    User.objects.create_superuser("ada", password="engine")
    client = log_in("ada", "engine")
    with_authentication(settings, single_user_api_key="another")
    assert inside(client)


def test_the_table_of_sessions_opens_nothing() -> None:
    client = log_in("admin", "secret")
    cookie = client.cookies["sessionid"].value
    (row,) = Session.objects.all()
    assert cookie not in row.session_key
    thief = Client()
    thief.cookies["sessionid"] = row.session_key
    assert not inside(thief)
    assert inside(client)
    client.post("/admin/logout/")
    assert not Session.objects.exists()
    client.cookies["sessionid"] = cookie
    assert not inside(client)


def test_sessions_of_browsers_are_short() -> None:
    client = log_in("admin", "secret")
    (row,) = Session.objects.all()
    assert timedelta() < row.expire_date - timezone.now() <= timedelta(hours=12)
    Session.objects.update(expire_date=timezone.now())
    assert not inside(client)


def test_guesses_of_the_key_have_to_wait_and_the_right_one_too(settings: Settings) -> None:
    assert inside(log_in("admin", "secret"))
    for guess in range(RULES["pair"].free_attempts):
        assert not inside(log_in("admin", f"guess {guess}"))
    # As many more make the wait longer than any machine takes for the next line.
    Attempt.objects.update(failures=F("failures") + 10, latest=timezone.now())
    assert not inside(log_in("admin", "secret"))
    refused = Client().post("/admin/login/", {"username": "admin", "password": "secret"})
    assert "Too many failed attempts" in refused.content.decode()
    Attempt.objects.update(latest=timezone.now() - timedelta(minutes=5))
    assert inside(log_in("admin", "secret"))
