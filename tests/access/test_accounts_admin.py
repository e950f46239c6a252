"""Users, services, their keys and sessions, in the admin and on the command line."""

from __future__ import annotations

import re
from io import StringIO
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client

from access.models import Account, ApiKey, Session

from .conftest import Visitor, visitor

KEYS = "/admin/access/apikey/"


@pytest.fixture
def browser(admin: User) -> Client:
    client = Client()
    assert client.login(username="ada", password="engine")
    return client


def command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def secret_on(page: str) -> str:
    shown = re.search(r'<code id="secret">(\w+)</code>', page)
    assert shown is not None, page
    return shown[1]


def test_a_key_is_created_for_a_user_within_their_scopes(browser: Client, alice: User) -> None:
    form = {"owner": alice.account.pk, "note": "a display", "scopes": ["read:metadata"]}
    page = browser.get(f"{KEYS}add/").content.decode()
    assert "all that its owner has" in page
    made = browser.post(f"{KEYS}add/", {**form, "expires": "7d"}).content.decode()
    asking = Visitor(f"Apikey {secret_on(made)}")
    assert asking.json("GET", "/auth/whoami")["uuid"] == alice.account.uuid.hex
    beyond = {**form, "scopes": ["register"], "expires": ""}
    assert "beyond the principal" in browser.post(f"{KEYS}add/", beyond).content.decode()
    nobody = {**form, "owner": "", "expires": ""}
    assert "This field is required" in browser.post(f"{KEYS}add/", nobody).content.decode()
    assert ApiKey.objects.count() == 1
    listed = browser.get(KEYS).content.decode()
    assert "alice" in listed
    assert browser.get(f"{KEYS}{ApiKey.objects.get().pk}/change/").status_code == 200


def test_sessions_are_seen_and_revoked(browser: Client, alice: User) -> None:
    visitor("alice", "wonderland")
    address = "/admin/access/session/"
    assert "alice" in browser.get(address).content.decode()
    session = Session.objects.get(account=alice.account)
    assert browser.get(f"{address}{session.pk}/change/").status_code == 200
    browser.post(address, {"action": "revoke_selected", "_selected_action": [session.pk]})
    session.refresh_from_db()
    assert session.revoked


def test_a_service_is_created_deactivated_and_deleted_and_an_identity_linked(
    browser: Client, alice: User
) -> None:
    address = "/admin/access/account/"
    browser.post(f"{address}add/", {"note": "a bot", "role": "admin", "active": "on"})
    bot = Account.objects.get(kind="service")
    assert (bot.note, bot.role, bot.active) == ("a bot", "admin", True)
    for account in (bot, alice.account):
        assert browser.get(f"{address}{account.pk}/change/").status_code == 200
    browser.post(f"{address}{bot.pk}/change/", {"note": "a bot", "role": "user"})
    bot.refresh_from_db()
    assert (bot.role, bot.active) == ("user", False)
    assert "deactivated" in browser.get(address).content.decode()
    assert browser.post(f"{address}{alice.account.pk}/delete/", {"post": "yes"}).status_code == 403
    browser.post(f"{address}{bot.pk}/delete/", {"post": "yes"})
    assert not Account.objects.filter(kind="service").exists()
    form = {
        "note": "",
        "identities-TOTAL_FORMS": "1",
        "identities-INITIAL_FORMS": "0",
        "identities-0-provider": "facility",
        "identities-0-identifier": "4711",
    }
    browser.post(f"{address}{alice.account.pk}/change/", form)
    assert [str(one) for one in alice.account.identities.all()] == ["4711 at facility"]


def test_keys_of_users_and_services_are_created_on_the_command_line(alice: User) -> None:
    secret = command("apikey", "create", "--user", "alice", "--expires", "7d").strip()
    asking = Visitor(f"Apikey {secret}")
    assert asking.json("GET", "/auth/apikey")["scopes"] == ["inherit"]
    service = command("account", "create-service", "--note", "a bot").strip()
    options = ("--service", service, "--scopes", "read:data", "--tags", "a,b")
    bot = command("apikey", "create", *options).strip()
    assert Visitor(f"Apikey {bot}").json("GET", "/auth/whoami")["uuid"] == UUID(service).hex
    assert ApiKey.objects.get(first_eight=bot[:8]).access_tags == ["a", "b"]
    header, *rows = command("apikey", "list").splitlines()
    assert header.split()[:2] == ["KEY", "OWNER"]
    assert {row.split()[1] for row in rows} == {"alice", "a"}
    listed = command("account", "list")
    assert command("principal", "list") == listed  # its earlier name
    assert "user:alice" in listed
    assert f"service:{service}" in listed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--scopes", "read:data"], "a key needs an owner"),
        (["--user", "nobody"], "There is no user 'nobody'"),
        (["--service", "nonsense"], "is not the UUID of a service"),
        (["--service", "0" * 32], "There is no service"),
        (["--user", "alice", "--scopes", "register"], "The scopes ['register'] are beyond"),
        (["--user", "alice", "--tags", "a"], "Access tags cannot restrict"),
        (["--user", "alice", "--expires", "2020-01-31"], "still to come"),
    ],
)
def test_invalid_input_is_rejected_with_a_reason(
    alice: User, arguments: list[str], says: str
) -> None:
    with pytest.raises(CommandError, match=re.escape(says)):
        command("apikey", "create", *arguments)
    assert not ApiKey.objects.exists()


@pytest.mark.django_db
def test_a_site_without_users_creates_no_keys_for_users() -> None:
    for arguments, says in [
        (("--user", "alice", "--scopes", "read:data"), "no users"),
        (("--scopes", "create:apikeys"), "require a site with users"),
        ((), "add --scopes"),
    ]:
        with pytest.raises(CommandError, match=says):
            command("apikey", "create", *arguments)


@pytest.mark.django_db
def test_every_user_has_an_account_however_they_are_created() -> None:
    first = User.objects.create_user("first")
    command("createsuperuser", "--noinput", "--username", "second", "--email", "s@example.org")
    assert set(Account.objects.values_list("user__username", flat=True)) == {"first", "second"}
    first.delete()
    assert [str(one) for one in Account.objects.all()] == ["second"]


def test_staff_without_superuser_rights_cannot_take_over_other_accounts(
    alice: User, admin: User
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.user_permissions.set(Permission.objects.filter(content_type__app_label="access"))
    client = Client()
    assert client.login(username="alice", password="wonderland")
    form = {"owner": admin.account.pk, "note": "", "scopes": ["inherit"], "expires": ""}
    assert client.post(f"{KEYS}add/", form).status_code == 403
    address = f"/admin/access/account/{admin.account.pk}/change/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"note": "mine"}).status_code == 403
    assert client.post("/admin/access/account/add/", {"role": "admin"}).status_code == 403
    assert not ApiKey.objects.exists()


def test_staff_who_may_change_users_change_only_regular_users_and_no_permissions(
    alice: User, admin: User
) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.user_permissions.set(Permission.objects.filter(content_type__app_label="auth"))
    bob = User.objects.create_user("bob", password="builder")
    boss = User.objects.create_user("boss", password="boss", is_staff=True)
    group = Group.objects.create(name="operators")
    client = Client()
    assert client.login(username="alice", password="wonderland")
    requested = {
        "username": "root",
        "is_staff": "on",
        "is_superuser": "on",
        "is_active": "on",
        "groups": [group.pk],
        "user_permissions": [Permission.objects.values_list("pk", flat=True)[0]],
        "first_name": "A.",
        "date_joined_0": "2026-01-31",
        "date_joined_1": "12:00:00",
    }
    before = set(alice.user_permissions.all())
    for user in (alice, bob):
        response = client.post(f"/admin/auth/user/{user.pk}/change/", requested)
        assert response.status_code == 302, response.content
        found = User.objects.get(pk=user.pk)
        assert (found.first_name, found.username) == ("A.", user.username)
        assert (found.is_superuser, found.is_staff) == (False, user is alice)
        assert not found.groups.exists()
        assert set(found.user_permissions.all()) == (before if user is alice else set())
    new = {"password1": "a-long-new-one-1", "password2": "a-long-new-one-1"}
    for user, status in ((bob, 302), (boss, 403), (admin, 403)):
        assert client.post(f"/admin/auth/user/{user.pk}/password/", new).status_code == status
    for user in (boss, admin):
        assert client.post(f"/admin/auth/user/{user.pk}/change/", requested).status_code == 403
        assert (
            client.post(f"/admin/auth/user/{user.pk}/delete/", {"post": "yes"}).status_code == 403
        )
        selected = {"action": "delete_selected", "_selected_action": [user.pk], "post": "yes"}
        client.post("/admin/auth/user/", selected)
    assert User.objects.count() == 4
    address = f"/admin/auth/group/{group.pk}/change/"
    assert client.post(address, {"name": "mine"}).status_code == 403


def test_superusers_change_everything_of_a_user(browser: Client, alice: User) -> None:
    requested = {
        "username": "alicia",
        "is_staff": "on",
        "is_superuser": "on",
        "is_active": "on",
        "date_joined_0": "2026-01-31",
        "date_joined_1": "12:00:00",
    }
    assert browser.post(f"/admin/auth/user/{alice.pk}/change/", requested).status_code == 302
    alice.refresh_from_db()
    assert (alice.username, alice.is_superuser) == ("alicia", True)


@pytest.mark.parametrize("password", ["1", "password", "20261129", "second"])
def test_passwords_that_are_easy_to_guess_are_refused(
    browser: Client, alice: User, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"username": "second", "password1": password, "password2": password}
    assert browser.post("/admin/auth/user/add/", said).status_code == 200
    assert browser.post(f"/admin/auth/user/{alice.pk}/password/", said).status_code == 200
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    with pytest.raises(CommandError, match="DJANGO_SUPERUSER_PASSWORD: "):
        command("createsuperuser", "--noinput", "--username", "second", "--email", "s@e.org")
    assert not User.objects.filter(username="second").exists()
    alice.refresh_from_db()
    assert alice.check_password("wonderland")
