"""Logging in at an OpenID Connect provider: in a browser, and in a terminal with a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
import requests
from django.contrib.auth.models import User
from django.db.models import F
from django.http import HttpResponse
from django.test import Client
from django.urls import get_script_prefix, set_script_prefix
from django.utils import timezone
from pytest_django import Settings

from access.login import device_flow
from access.login.device_flow import CODE_LIFETIME_SECONDS, MAX_PENDING_LOGINS_PER_ADDRESS
from access.login.identities import get_or_create_identity
from access.models import Identity, PendingLogin, Session
from access.providers import OidcProvider
from catalog.models import Node

from .conftest import LOCAL, Visitor, detail, with_authentication

pytestmark = [
    # Of the provider, which is of the tests.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:oidc_provider_mock"),
]
DEVICE = "/login/facility/device"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A real provider on this machine, where whoever comes may say who they are."""
    from oidc_provider_mock import User as Known
    from oidc_provider_mock import run_server_in_thread

    known = [
        Known(sub="4711", claims={"preferred_username": "alice", "email": "alice@example.org"}),
        Known(sub="4712", claims={"preferred_username": "bób ßmith\0"}),
        Known(sub="4713"),
    ]
    with run_server_in_thread(user_claims=known) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def facility(db: None, settings: Settings, issuer: str) -> dict[str, Any]:
    """A site whose users log in at the provider."""
    provider = {"provider": "facility", "kind": "oidc", "issuer": issuer, "client_id": "tiled"}
    provider["client_secret"] = "between the two of them"
    with_authentication(settings, providers=[LOCAL, provider])
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    return provider


@dataclass
class Browser:
    """Follows where it is sent; says who it is when the provider asks."""

    sub: str = "4711"
    # The path of the host below which the site is; every address must be below it.
    root_path: str = ""
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))
    asked: list[dict[str, list[str]]] = field(default_factory=list)

    def open(self, address: str) -> HttpResponse:
        response = self.get(address)
        while response.status_code in (301, 302):
            address = response.headers["Location"]
            if address.startswith("http://localhost:"):
                address = self.at_provider(address)
            response = self.get(address)
        return response

    def get(self, address: str) -> HttpResponse:
        inner = address.removeprefix("http://testserver")
        assert inner.startswith(f"{self.root_path}/"), address
        return self.client.get(inner.removeprefix(self.root_path), SCRIPT_NAME=self.root_path)

    def at_provider(self, address: str) -> str:
        self.asked.append(parse_qs(urlsplit(address).query))
        answer = requests.post(address, {"sub": self.sub}, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])

    def type_code(self, code: str) -> HttpResponse:
        page = self.open(DEVICE).content.decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token is not None, page
        form = {"user_code": code, "csrfmiddlewaretoken": token[1]}
        return self.client.post(DEVICE, form)


def begin() -> dict[str, Any]:
    return Visitor().json("POST", "/auth/provider/facility/authorize")


def poll(device_code: str) -> HttpResponse:
    body = {"device_code": device_code, "grant_type": GRANT}
    return Visitor().send("POST", "/auth/provider/facility/token", body)


def test_a_login_at_the_provider_always_resolves_to_the_same_user(facility: Any) -> None:
    browser = Browser()
    assert browser.open("/login/facility?next=/").status_code == 200
    asked = browser.asked[0]
    assert asked["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= asked.keys()
    assert asked["redirect_uri"] == ["http://testserver/login/facility/code"]
    user = User.objects.get()
    assert (user.username, user.has_usable_password(), user.is_staff) == ("alice", False, False)
    identity = Identity.objects.get()
    assert (identity.account.user, identity.identifier) == (user, "4711")
    User.objects.update(username="liddell")
    Browser().open("/login/facility")
    assert User.objects.get() == user


def test_a_new_user_never_takes_the_name_of_another(facility: Any) -> None:
    User.objects.create_user("Alice", password="wonderland")
    Browser().open("/login/facility")
    Browser("4712").open("/login/facility")
    Browser("4713").open("/login/facility")
    names = set(User.objects.values_list("username", flat=True))
    assert names == {"Alice", "alice@facility", "bób_ßmith_", "4713"}


@pytest.mark.parametrize(
    "wanted",
    ["\uff22oss", "\uff42\uff4f\uff53\uff53", "\u1d47oss", "BOSS", "\ufdfa" * 30, "ﬁ" * 80],
)
def test_names_are_compared_in_the_form_in_which_they_are_kept(site: Settings, wanted: str) -> None:
    User.objects.create_user("boss")
    provider = OidcProvider.model_validate(
        {"provider": "p" * 64, "kind": "oidc", "issuer": "https://h", "client_id": "c"}
    )
    made = set()
    for number in range(3):
        claims = {"sub": str(number), "preferred_username": wanted}
        user = get_or_create_identity(provider=provider, claims=claims).account.user
        assert user is not None
        made.add(user.username.casefold())
        assert len(user.username) <= 150
    assert len(made) == 3
    assert "boss" not in made


def test_staff_get_into_the_admin_that_way(facility: Any) -> None:
    browser = Browser()
    page = browser.open("/login/facility?next=/admin/")
    assert "/login/facility" in page.content.decode()
    User.objects.update(is_staff=True, is_superuser=True)
    assert browser.client.get("/admin/access/apikey/").status_code == 200


@pytest.mark.parametrize("elsewhere", ["https://example.org/", "//example.org", "javascript:x"])
def test_logins_never_redirect_to_another_site(facility: Any, elsewhere: str) -> None:
    client = Client()
    there = client.get("/login/facility", {"next": elsewhere}).headers["Location"]
    back = client.get(Browser().at_provider(there))
    assert (back.status_code, back.headers["Location"]) == (302, "/")


@pytest.fixture
def below_a_path(facility: Any) -> Iterator[str]:
    """A path of the host below which the site is."""
    before = get_script_prefix()
    set_script_prefix("/tiled/")
    yield "/tiled"
    set_script_prefix(before)


def test_logins_stay_below_the_path_of_the_site(below_a_path: str) -> None:
    site, browser = f"http://testserver{below_a_path}", Browser(root_path=below_a_path)
    address = "/api/v1/auth/provider/facility/authorize"
    begun = orjson.loads(browser.client.post(address, SCRIPT_NAME=below_a_path).content)
    assert begun["authorization_uri"] == f"{site}{DEVICE}"
    assert 'name="user_code"' in browser.open(begun["authorization_uri"]).content.decode()
    assert browser.asked[0]["redirect_uri"] == [f"{site}/login/facility/code"]
    # Without `next`, as the API redirects a browser.
    there = browser.get(f"{below_a_path}/login/facility").headers["Location"]
    assert browser.get(browser.at_provider(there)).headers["Location"] == f"{below_a_path}/"


def test_a_device_logs_in_with_the_user_code_that_it_shows(facility: Any) -> None:
    begun = begin()
    assert begun["authorization_uri"] == f"http://testserver{DEVICE}"
    assert begun["verification_uri"].endswith("/api/v1/auth/provider/facility/token")
    assert (begun["interval"], begun["expires_in"]) == (5, CODE_LIFETIME_SECONDS)
    assert re.fullmatch(r"[A-Z]{4}-[A-Z]{4}", begun["user_code"])
    waits = poll(begun["device_code"])
    assert waits.status_code == 400
    assert orjson.loads(waits.content) == {"detail": {"error": "authorization_pending"}}
    browser = Browser()
    assert browser.type_code("BCDF-BCDF").status_code == 404
    done = browser.type_code(begun["user_code"].lower().replace("-", " "))
    assert "The terminal is approved" in done.content.decode()
    assert browser.type_code(begun["user_code"]).status_code == 404
    told = orjson.loads(poll(begun["device_code"]).content)
    assert told["identity"] == {"id": "4711", "provider": "facility"}
    me = Visitor(f"Bearer {told['access_token']}").json("GET", "/auth/whoami")
    assert [one["id"] for one in me["identities"]] == ["4711"]
    assert poll(begun["device_code"]).status_code == 404
    refreshed = {"refresh_token": told["refresh_token"]}
    assert Visitor().status("POST", "/auth/session/refresh", refreshed) == 200


def test_wrong_expired_and_malformed_codes_are_rejected(facility: Any) -> None:
    begun = begin()
    assert poll("0" * 64).status_code == 404
    for none in ("", "zzz", "0" * 63):
        assert poll(none).status_code in (401, 422)
    address = "/auth/provider/facility/token"
    wrong = {"device_code": begun["device_code"], "grant_type": "password"}
    assert Visitor().status("POST", address, wrong) == 422
    assert Visitor().status("POST", address, b"[]") == 422
    PendingLogin.objects.update(expires=timezone.now())
    assert poll(begun["device_code"]).status_code == 404
    assert Browser().type_code(begun["user_code"]).status_code == 404
    assert Visitor().status("POST", "/auth/provider/local/authorize") == 404
    assert Visitor().status("POST", "/auth/provider/other/authorize") == 404
    assert not Session.objects.exists()


def test_codes_cannot_be_tried_out(facility: Any) -> None:
    browser = Browser()
    statuses = [browser.type_code("BCDF-BCDF").status_code for _ in range(7)]
    assert statuses == [404] * 5 + [429] * 2


def test_a_form_of_another_site_approves_no_device(facility: Any) -> None:
    begun, browser = begin(), Browser()
    browser.open(DEVICE)
    forged = browser.client.post(DEVICE, {"user_code": begun["user_code"]})
    assert forged.status_code == 403
    assert poll(begun["device_code"]).status_code == 400


def test_a_deactivated_user_cannot_log_in(facility: Any) -> None:
    begun, browser = begin(), Browser()
    browser.type_code(begun["user_code"])
    User.objects.update(is_active=False)
    assert poll(begun["device_code"]).status_code == 401
    assert Browser().open("/login/facility").status_code == 401
    assert "disabled" in Browser().open("/login/facility").content.decode()


def test_only_linked_users_log_in_where_create_users_is_false(
    facility: dict[str, Any], settings: Settings
) -> None:
    with_authentication(settings, providers=[{**facility, "create_users": False}])
    assert Browser().open("/login/facility").status_code == 401
    assert not User.objects.exists()
    alice = User.objects.create_user("alice")
    Identity.objects.create(account=alice.account, provider="facility", identifier="4711")
    assert Browser().open("/login/facility").status_code == 200


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?code=x&state=y", "?error=access_denied&state=y", "?state=%00"]
)
def test_an_unsolicited_callback_does_not_log_in(facility: Any, query: str) -> None:
    client = Client()
    client.get("/login/facility")
    refused = client.get(f"/login/facility/code{query}")
    assert refused.status_code == 401
    assert "Not logged in" in refused.content.decode()
    assert not User.objects.exists()


def test_a_provider_that_is_away_is_no_fault_of_ours(
    facility: dict[str, Any], settings: Settings
) -> None:
    away = {**facility, "issuer": "http://localhost:9", "client_id": "another"}
    with_authentication(settings, providers=[away])
    refused = Client().get("/login/facility")
    assert (refused.status_code, "cannot be reached" in refused.content.decode()) == (503, True)
    assert Client().get("/login/other").status_code == 404


def test_beyond_the_limit_the_oldest_device_of_the_busiest_address_is_dropped(
    facility: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_flow, "MAX_PENDING_LOGINS", 3)
    codes = [device_flow.start(provider="facility", address=one).user_code for one in "abb"]
    codes.append(device_flow.start(provider="facility", address="c").user_code)
    left = PendingLogin.objects.order_by("pk").values_list("user_code", flat=True)
    assert list(left) == [codes[0], codes[2], codes[3]]


def test_the_number_of_pending_devices_is_limited(facility: Any) -> None:
    for _ in range(MAX_PENDING_LOGINS_PER_ADDRESS):
        begin()
    full = Visitor().send("POST", "/auth/provider/facility/authorize")
    assert (full.status_code, "Too many logins" in detail(full)) == (429, True)
    PendingLogin.objects.update(expires=F("time_created"))
    begin()
    assert PendingLogin.objects.count() == 1


def test_a_browser_that_logged_in_there_uses_the_page_and_the_api(facility: Any) -> None:
    browser = Browser()
    login = browser.client.get("/ui/").headers["Location"]
    page = browser.open(login).content.decode()
    button = re.search(r'href="(/login/facility\?next=[^"]+)"', page)
    assert button is not None
    shell = browser.open(button[1]).content.decode()
    assert 'data-principal="alice"' in shell
    assert browser.client.get("/api/v1/metadata/").status_code == 200
    me = orjson.loads(browser.client.get("/api/v1/auth/whoami").content)
    assert [one["id"] for one in me["identities"]] == ["4711"]
    User.objects.update(is_active=False)
    assert browser.client.get("/api/v1/metadata/").status_code == 401
