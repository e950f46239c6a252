"""Keys in the admin."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from access.authentication.credentials import authenticate_key
from access.models import ApiKey
from access.principals import READ
from core.errors import Unauthorized

pytestmark = pytest.mark.django_db

KEYS = "/admin/access/apikey/"


@pytest.fixture
def browser() -> Client:
    client = Client()
    assert client.login(username="admin", password="secret")
    return client


def test_a_key_is_created_with_its_secret_shown_once_and_revoked(browser: Client) -> None:
    form = {"scopes": ["read:data", "read:metadata"], "expires": "7d", "note": "a display"}
    made = browser.post(f"{KEYS}add/", form).content.decode()
    shown = re.search(r'<code id="secret">(\w+)</code>', made)
    assert shown is not None
    secret = shown[1]
    assert authenticate_key(secret).scopes == READ
    key = ApiKey.objects.get()
    listing, page = browser.get(KEYS), browser.get(f"{KEYS}{key.pk}/change/")
    for answer in (listing, page):
        assert answer.status_code == 200
        assert "a display" in answer.content.decode()
        assert secret not in answer.content.decode()
        assert key.hashed_secret not in answer.content.decode()
    browser.post(KEYS, {"action": "revoke_selected", "_selected_action": [key.pk], "post": "yes"})
    with pytest.raises(Unauthorized):
        authenticate_key(secret)


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["fly"]}, "fly is not one of the available choices"),
        ({"scopes": ["read:data"], "expires": "soon"}, "is neither a duration"),
        ({"scopes": ["read:data"], "expires": "2020-01-31"}, "still to come"),
    ],
)
def test_invalid_input_is_rejected_with_a_reason(
    browser: Client, form: dict[str, object], says: str
) -> None:
    answer = browser.post(f"{KEYS}add/", {"note": "", "expires": "", **form})
    assert says in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_a_key_is_not_edited(browser: Client) -> None:
    form = {"scopes": ["read:data"], "expires": "", "note": "a display"}
    browser.post(f"{KEYS}add/", form)
    key = ApiKey.objects.get()
    answer = browser.post(f"{KEYS}{key.pk}/change/", {**form, "scopes": ["write:data"]})
    assert answer.status_code == 403


def test_a_key_is_no_password_for_the_admin_whatever_it_allows(browser: Client) -> None:
    form = {"scopes": ["read:data", "register", "delete:node"], "expires": "", "note": ""}
    made = browser.post(f"{KEYS}add/", form).content.decode()
    shown = re.search(r'<code id="secret">(\w+)</code>', made)
    assert shown is not None
    authenticate_key(shown[1])
    assert not Client().login(username="admin", password=shown[1])
