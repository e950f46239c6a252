"""Sessions of browsers as credentials of the API: what opens them, limits them and ends them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from access.api_keys.store import create_key, revoke_key
from access.authentication.browser_logins import session_principal
from access.authentication.credentials import SERVICE_KEY_PRINCIPAL, authenticate_key
from access.authentication.revalidation import CredentialIds, revalidate
from access.browser_sessions import SessionStore, stored_key
from access.models import Account, ApiKey
from catalog.models import Node

from .conftest import LOCAL, with_authentication

READ = ["read:data", "read:metadata"]
ROOT = "/api/v1/metadata/"


@pytest.fixture
def single(db: None) -> None:
    """A site without users, whose key is `secret`."""
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})


def logged_in(**form: str) -> Client:
    client = Client()
    answer = client.post("/ui/login", form)
    assert answer.status_code == 303, answer.content
    return client


def cookie(client: Client) -> str:
    return client.cookies["sessionid"].value


def reads(client: Client, **headers: str) -> bool:
    """Whether the API answers, or demands credentials."""
    status = client.get(ROOT, headers=headers).status_code
    assert status in (200, 401)
    return status == 200


def stored(client: Client) -> Any:
    return SessionStore().decode(Session.objects.get().session_data)


def test_a_session_of_a_key_is_that_key_with_its_limits(alice: User) -> None:
    expires = timezone.now() + timedelta(hours=1)
    _, secret = create_key(
        scopes=READ, owner=alice.account, access_tags=["beamline_1"], expires=expires
    )
    client = logged_in(api_key=f" {secret}\n")
    of_key, of_session = authenticate_key(secret), session_principal(cookie(client))
    assert of_session == replace(of_key, browser_session=stored_key(cookie(client)))
    assert of_session is not None
    assert (of_session.expires, of_session.access_tags) == (expires, {"beamline_1"})
    assert client.get("/api/v1/auth/whoami").status_code == 200
    answer = client.post(ROOT, {}, headers={"x-csrf": client.cookies["tiled_csrf"].value})
    assert answer.status_code == 401
    assert "Not enough permissions" in answer.json()["detail"]


def test_a_session_does_not_outlast_itself_or_its_key(single: None) -> None:
    _, secret = create_key(scopes=READ, expires=timezone.now() + timedelta(days=7))
    client = logged_in(api_key=secret)
    principal = session_principal(cookie(client))
    assert principal is not None
    assert principal.expires == Session.objects.get().expire_date
    ApiKey.objects.update(expires=timezone.now())
    assert not reads(client)
    ApiKey.objects.update(expires=None)
    assert reads(client)
    Session.objects.update(expire_date=timezone.now())
    assert not reads(client)


def test_the_secret_of_a_key_is_not_in_the_session(single: None) -> None:
    key, secret = create_key(scopes=READ)
    held = str(stored(logged_in(api_key=secret)))
    assert secret not in held
    assert secret[8:24] not in held
    assert key.hashed_secret not in held
    Session.objects.all().delete()
    assert "secret" not in str(stored(logged_in(api_key="secret")))


def test_a_revoked_key_ends_its_session_even_if_another_gets_its_row(single: None) -> None:
    key, secret = create_key(scopes=READ)
    client = logged_in(api_key=secret)
    assert reads(client)
    revoke_key(key.first_eight)
    assert not reads(client)
    other, _ = create_key(scopes=READ)
    ApiKey.objects.filter(pk=other.pk).update(id=key.pk)
    assert not reads(client)


def test_a_session_of_the_sites_key_ends_with_that_key(single: None, settings: Settings) -> None:
    client = logged_in(api_key="secret")
    principal = session_principal(cookie(client))
    assert principal is not None
    assert principal.scopes == SERVICE_KEY_PRINCIPAL.scopes
    assert client.get("/admin/catalog/node/").status_code == 200
    with_authentication(settings, single_user_api_key="another")
    assert not reads(client)
    client = logged_in(api_key="another")
    assert reads(client)
    User.objects.update(is_active=False)
    assert not reads(client)
    User.objects.update(is_active=True)
    with_authentication(settings, providers=[LOCAL])
    assert not reads(client)


def test_superusers_who_log_in_to_the_admin_use_the_api_and_other_staff_by_accounts(
    single: None, settings: Settings
) -> None:
    for name, superuser in (("ada", True), ("bob", False)):
        User.objects.create_user(name, password="engine", is_staff=True, is_superuser=superuser)
        client = Client()
        client.post("/admin/login/", {"username": name, "password": "engine"})
        assert reads(client) is superuser
        with_authentication(settings, providers=[LOCAL])
        assert reads(client)
        with_authentication(settings, single_user_api_key="secret")


def test_staff_with_the_permission_to_view_nodes_read_and_only_read_without_accounts(
    single: None,
) -> None:
    permission = Permission.objects.get(codename="view_node", content_type__app_label="catalog")
    bob = User.objects.create_user("bob", password="engine", is_staff=True)
    bob.user_permissions.add(permission)
    client = Client()
    client.post("/admin/login/", {"username": "bob", "password": "engine"})
    assert reads(client)
    shown = client.get("/ui/")
    assert (shown.status_code, b'"bob"' in shown.content) == (200, True)
    answer = client.post(ROOT, {}, headers={"x-csrf": client.cookies["tiled_csrf"].value})
    assert (answer.status_code, "Not enough permissions" in answer.json()["detail"]) == (401, True)
    held = CredentialIds(browser_sessions=frozenset({stored_key(cookie(client))}))
    assert revalidate(held).browser_sessions
    bob.user_permissions.clear()
    assert not reads(client)
    assert not revalidate(held).browser_sessions
    bob.user_permissions.add(permission)
    User.objects.update(is_staff=False)
    assert not reads(client)


def test_a_user_has_the_scopes_of_their_role_until_disabled_or_the_password_changes(
    alice: User,
) -> None:
    client = logged_in(username="alice", password="wonderland")
    principal = session_principal(cookie(client))
    assert principal is not None
    assert (principal.names, principal.uuid) == ({"user:alice"}, alice.account.uuid)
    alice.set_password("looking-glass")
    alice.save()
    assert not reads(client)
    client = logged_in(username="alice", password="looking-glass")
    assert reads(client)
    held = CredentialIds(browser_sessions=frozenset({stored_key(cookie(client)), "0" * 40}))
    assert revalidate(held).browser_sessions == {stored_key(cookie(client))}
    User.objects.update(is_active=False)
    assert not reads(client)
    assert revalidate(held).browser_sessions == set()


def test_a_user_without_an_account_gets_one(site: Settings) -> None:
    User.objects.create_user("alice", password="wonderland")
    client = logged_in(username="alice", password="wonderland")
    Account.objects.all().delete()
    assert reads(client)


def test_a_session_without_a_valid_login_is_anonymous(single: None, settings: Settings) -> None:
    client = logged_in(api_key="secret")
    settings.SECRET_KEY = "another"
    assert not reads(client)
    assert client.get("/api/v1/").status_code == 200
    with_authentication(settings, single_user_api_key="secret", allow_anonymous_access=True)
    assert reads(client)


def test_a_login_to_the_admin_displaces_that_of_a_key(site: Settings) -> None:
    alice, bob = (User.objects.create_user(name, password=name) for name in ("alice", "bob"))
    _, secret = create_key(scopes=["inherit"], owner=alice.account)
    User.objects.update(is_staff=True)
    client = logged_in(api_key=secret)
    client.post("/admin/login/", {"username": "bob", "password": "bob"})
    principal = session_principal(cookie(client))
    assert principal is not None
    assert (principal.names, principal.key_id) == ({"user:bob"}, None)
    bob.refresh_from_db()
    bob.set_password("other")
    bob.save()
    assert not reads(client)


@pytest.mark.parametrize(
    ("headers", "counts"),
    [
        ({}, True),
        ({"origin": "http://testserver"}, True),
        ({"origin": "https://evil.example.org"}, False),
        ({"origin": "http://testserver:8000"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "same-origin", "sec-fetch-mode": "no-cors"}, True),
        ({"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}, True),
        # A link that was followed from another site.
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
        # An element of a page of another port or subdomain, which gets the cookie.
        ({"sec-fetch-site": "same-site", "sec-fetch-mode": "no-cors"}, False),
    ],
)
def test_a_session_counts_for_pages_of_this_origin(
    single: None, settings: Settings, headers: dict[str, str], counts: bool
) -> None:
    server = settings.TILED.server.model_copy(update={"allow_origins": ["*"]})
    settings.TILED = settings.TILED.model_copy(update={"server": server})
    assert reads(logged_in(api_key="secret"), **headers) is counts


def test_writing_by_a_session_needs_the_csrf_token(single: None) -> None:
    client = logged_in(api_key="secret")

    def create(**headers: str) -> tuple[int, str]:
        body = {"structure_family": "container"}
        kind = "application/json"
        answer = client.post(ROOT, orjson.dumps(body), content_type=kind, headers=headers)
        return answer.status_code, answer.content.decode()

    assert create() == (403, "Expected tiled_csrf_token cookie")
    client.get("/api/v1/")
    token = client.cookies["tiled_csrf"].value
    assert create() == (403, "Expected csrf query parameter or x-csrf header")
    assert create(**{"x-csrf": "other"})[0] == 403
    assert create(**{"x-csrf": token, "origin": "https://evil.example.org"})[0] == 401
    assert create(**{"x-csrf": token, "origin": "http://testserver"})[0] == 200
    assert create(authorization="Apikey secret")[0] == 200


def test_any_other_credentials_count_before_a_session(single: None) -> None:
    client = logged_in(api_key="secret")
    assert client.get(ROOT, headers={"authorization": "Apikey wrong"}).status_code == 401
    assert client.get(f"{ROOT}?api_key=wrong").status_code == 401
    client.cookies["tiled_api_key"] = "wrong"
    assert client.get(ROOT).status_code == 401
