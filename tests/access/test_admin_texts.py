"""Texts and choices of the admin's pages of accounts, keys and tags."""

from __future__ import annotations

import html
import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from access.admin.scopes import MEANINGS
from access.models import Account, ApiKey
from access.principals import UNUSED_SCOPES, Scope

UNUSED = ["read:webhooks", "write:webhooks"]


@pytest.fixture
def browser(admin: User) -> Client:
    client = Client()
    assert client.login(username="ada", password="engine")
    return client


def page(browser: Client, address: str) -> str:
    response = browser.get(f"/admin/{address}")
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def offered(text: str) -> list[str]:
    return re.findall(r'name="(?:grants-0-)?scopes" value="([^"]+)"', text)


def test_scopes_without_an_effect_are_not_offered_and_stay_on_stored_keys(
    browser: Client, alice: User
) -> None:
    assert sorted(UNUSED_SCOPES) == UNUSED
    assert set(MEANINGS) == set(Scope) - UNUSED_SCOPES
    for address in ("access/apikey/add/", "access/tag/add/"):
        assert "read:data" in offered(page(browser, address))
        assert not set(UNUSED) & set(offered(page(browser, address)))
    account = Account.objects.get(user=alice)
    key = ApiKey.objects.create(
        first_eight="01234567", owner=account, scopes=["read:data", *UNUSED]
    )
    for address in ("access/apikey/", f"access/apikey/{key.pk}/change/"):
        assert "write:webhooks" in page(browser, address)
    assert ApiKey.objects.get().scopes == ["read:data", *UNUSED]


def test_every_list_explains_its_model(browser: Client) -> None:
    for model, model_admin in admin.site._registry.items():
        text = page(browser, f"{model._meta.app_label}/{model._meta.model_name}/")
        explained = re.search(r'<p class="help">([^<]+)</p>', text)
        assert explained is not None, model
        assert explained[1] == getattr(model_admin, "description", explained[1])


def test_every_field_of_a_form_has_a_help_text_or_is_named_by_django(browser: Client) -> None:
    for address in ("access/apikey/add/", "access/tag/add/", "access/account/add/"):
        text = page(browser, address)
        labels = re.findall(r'<label[^>]* for="id_(note|owner|role|name|active)"', text)
        assert labels
        for name in labels:
            assert f'id="id_{name}_helptext"' in text, (address, name)


def test_accounts_have_one_name_in_menus_and_headings(browser: Client) -> None:
    index = page(browser, "")
    for name in ("Accounts", "Access tags", "API keys", "Sessions", "Users", "Outbox entries"):
        assert re.search(rf">\s*{name}\s*</a>", index), name
    assert "Principal" not in index


def test_forms_show_the_rules_of_passwords(browser: Client, alice: User) -> None:
    for address in ("auth/user/add/", f"auth/user/{alice.pk}/password/"):
        text = page(browser, address)
        assert "must contain at least 8 characters" in text
        assert "can’t be a commonly used password" in text  # noqa: RUF001
