"""The admin is entered with the API key."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

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
def test_nobody_else_gets_in_and_no_user_is_made(name: str, password: str) -> None:
    assert not inside(log_in(name, password))
    assert not User.objects.exists()


def test_an_admin_who_is_barred_is_let_out_and_not_in_again() -> None:
    client = log_in("admin", "secret")
    User.objects.update(is_active=False)
    assert not inside(client)
    assert not inside(log_in("admin", "secret"))


def test_ordinary_superusers_get_in_with_their_password() -> None:
    User.objects.create_superuser("ada", password="engine")
    assert inside(log_in("ada", "engine"))
