"""Pages for logging in and out, and the shell that they lead to."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from access.api_keys.store import create_key
from access.authentication.key_attempts import RULE, key_attempts
from access.models import ApiKey
from catalog.models import Node
from tests.access.conftest import LOCAL, with_authentication
from web.pages import POLICY

LOGIN = "/ui/login"
KEY = {"api_key": "secret"}


@pytest.fixture(autouse=True)
def root(db: None, settings: Settings) -> None:
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    key_attempts.clear()


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True)


def send(client: Client, form: dict[str, str], **headers: str) -> HttpResponse:
    """Fill in the form of the page, as a browser does."""
    page = client.get(LOGIN).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None, page
    data = {"csrfmiddlewaretoken": token[1], **form}
    return client.post(LOGIN, data, headers=headers)


def told(page: HttpResponse) -> dict[str, str]:
    """What the shell tells its scripts."""
    body = re.search(r"<body ([^>]*)>", page.content.decode())
    assert body is not None
    return {name: unescape(text) for name, text in re.findall(r'data-([\w-]+)="([^"]*)"', body[1])}


def test_the_page_leads_to_the_login_and_back_to_where_it_was(client: Client) -> None:
    answer = client.get("/ui/browse/a/b%20c?view=x&api=1")
    assert answer.status_code == 302
    assert answer["Location"] == "/ui/login?next=%2Fui%2Fbrowse%2Fa%2Fb%2520c%3Fview%3Dx%26api%3D1"
    page = client.get(answer["Location"])
    assert 'name="next" value="/ui/browse/a/b%20c?view=x&amp;api=1"' in page.content.decode()
    done = send(client, {**KEY, "next": "/ui/browse/a/b%20c?view=x"})
    assert (done.status_code, done["Location"]) == (303, "/ui/browse/a/b%20c?view=x")
    assert client.get(done["Location"]).status_code == 200


def test_the_shell_tells_its_scripts_who_is_logged_in_and_their_csrf_token(client: Client) -> None:
    send(client, KEY)
    shell = client.get("/ui/browse/a")
    data = told(shell)
    assert (data["api"], data["ui"], data["principal"]) == ("/api/v1", "/ui", "admin")
    assert (data["may-log-out"], data["logout-url"]) == ("true", "/ui/logout")
    assert data["login-url"] == "/ui/login?next=%2Fui%2Fbrowse%2Fa"
    assert data["csrf"] == client.cookies["tiled_csrf"].value
    assert client.cookies["tiled_csrf"]["httponly"]
    assert re.fullmatch(r"\d+\.\d+.*", data["version"])
    assert "no-store" in shell["Cache-Control"]
    created = client.post(
        "/api/v1/metadata/",
        {"structure_family": "container"},
        content_type="application/json",
        headers={"x-csrf": data["csrf"], "origin": "http://testserver"},
    )
    assert created.status_code == 200


def test_the_cookie_of_a_session_is_for_this_site_and_no_script(client: Client) -> None:
    session = send(client, KEY).cookies["sessionid"]
    assert (session["httponly"], session["samesite"], session["path"]) == (True, "Lax", "/")


def test_a_user_logs_in_with_a_password(client: Client, settings: Settings) -> None:
    with_authentication(settings, providers=[LOCAL])
    User.objects.create_user("alice", password="wonderland")
    refused = send(client, {"username": "alice", "password": "<wrong>"})
    assert refused.status_code == 401
    assert "Incorrect user name or password." in refused.content.decode()
    assert 'value="alice"' in refused.content.decode()
    assert "wrong&gt;" not in refused.content.decode()
    assert send(client, {"username": "alice", "password": "wonderland"}).status_code == 303
    assert told(client.get("/ui/"))["principal"] == "alice"


def test_guesses_have_to_wait(client: Client, settings: Settings) -> None:
    for guess in range(RULE.free_attempts + 5):
        status = send(client, {"api_key": f"guess{guess}"}).status_code
    assert status == 429
    refused = send(client, {"api_key": "another"})
    assert "Too many failed attempts" in refused.content.decode()
    assert int(refused["Retry-After"]) > 0
    with_authentication(settings, providers=[LOCAL])
    statuses = [
        send(client, {"username": "alice", "password": "guess"}).status_code for _ in range(7)
    ]
    assert (statuses[0], statuses[-1]) == (401, 429)


@pytest.mark.parametrize("key", ["", "  ", "wrong", "0" * 72, "é\0", "x" * 10_000])
def test_a_wrong_key_is_refused_in_words(client: Client, key: str) -> None:
    refused = send(client, {"api_key": key})
    assert refused.status_code == 401
    assert "This API key is not valid here" in refused.content.decode()
    assert client.get("/ui/").status_code == 302


def test_passwords_are_refused_where_no_users_are(client: Client) -> None:
    assert 'name="password"' not in client.get(LOGIN).content.decode()
    assert send(client, {"username": "admin", "password": "secret"}).status_code == 404


@pytest.mark.parametrize(
    "elsewhere", ["https://example.org/", "//example.org", "javascript:x", "/\\example.org", "\0"]
)
def test_a_login_leads_to_no_other_site(client: Client, elsewhere: str) -> None:
    assert send(client, {**KEY, "next": elsewhere})["Location"] == "/ui/"


def test_a_login_gives_the_browser_a_new_session_and_drops_the_cookie_of_a_key(
    client: Client,
) -> None:
    client.cookies["tiled_api_key"] = "secret"
    send(client, KEY)
    first = client.cookies["sessionid"].value
    done = send(client, KEY)
    assert done.cookies["tiled_api_key"]["max-age"] == 0
    assert client.cookies["sessionid"].value != first
    assert Session.objects.count() == 1


def test_anonymous_visitors_of_a_public_site_see_the_page_and_may_log_in(
    client: Client, settings: Settings
) -> None:
    with_authentication(settings, single_user_api_key="secret", allow_anonymous_access=True)
    data = told(client.get("/ui/browse/a"))
    assert (data["principal"], data["may-log-out"]) == ("", "false")
    assert "Continue without logging in" in client.get(LOGIN).content.decode()
    send(client, KEY)
    assert told(client.get("/ui/"))["principal"] == "admin"


def test_who_is_logged_in_and_may_not_read_gets_a_sentence_and_may_log_out(client: Client) -> None:
    _, secret = create_key(scopes=["write:data"], note="detector <1>")
    send(client, {"api_key": secret})
    page = client.get("/ui/")
    assert page.status_code == 403
    text = page.content.decode()
    assert "detector &lt;1&gt;" in text
    assert "read:metadata" in text
    token = re.search(r'name="csrfmiddlewaretoken" value="([\w-]+)"', text)
    assert token is not None
    done = client.post("/ui/logout", {"csrfmiddlewaretoken": token[1]})
    assert (done.status_code, done["Location"]) == (303, LOGIN)
    assert client.get("/ui/").status_code == 302


def test_logging_out_needs_the_token_and_ends_the_session(client: Client) -> None:
    send(client, KEY)
    token = told(client.get("/ui/"))["csrf"]
    assert client.get("/ui/logout").status_code == 405
    assert client.post("/ui/logout").status_code == 403
    assert client.post("/ui/logout", headers={"x-csrf": "other"}).status_code == 403
    elsewhere = {"x-csrf": token, "origin": "https://example.org"}
    assert client.post("/ui/logout", headers=elsewhere).status_code == 403
    stolen = client.cookies["sessionid"].value
    assert client.post("/ui/logout", headers={"x-csrf": token}).status_code == 303
    assert not Session.objects.exists()
    client.cookies["sessionid"] = stolen
    assert client.get("/api/v1/metadata/").status_code == 401


def test_a_revoked_key_leads_to_the_login(client: Client) -> None:
    _, secret = create_key(scopes=["read:metadata"])
    send(client, {"api_key": secret})
    assert told(client.get("/ui/"))["principal"] == f"API key {secret[:8]}"
    ApiKey.objects.all().delete()
    assert client.get("/ui/").status_code == 302
    client.cookies["tiled_api_key"] = secret
    answer = client.get("/ui/")
    assert (answer.status_code, answer.cookies["tiled_api_key"]["max-age"]) == (302, 0)


def test_a_link_with_a_key_logs_in_unless_another_site_has_it(client: Client) -> None:
    foreign = client.get("/ui/?api_key=secret&x=1", headers={"sec-fetch-site": "cross-site"})
    assert (foreign.status_code, foreign["Location"]) == (302, "/ui/?x=1")
    assert client.get("/ui/").status_code == 302
    wrong = client.get("/ui/browse/a?api_key=wrong")
    assert wrong["Location"] == "/ui/login?next=%2Fui%2Fbrowse%2Fa"
    typed = client.get("/ui/?api_key=secret&x=1", headers={"sec-fetch-site": "none"})
    assert (typed.status_code, typed["Location"]) == (302, "/ui/?x=1")
    assert client.get("/ui/").status_code == 200


def test_pages_run_scripts_of_this_site_alone(client: Client) -> None:
    pages = [client.get(LOGIN)]
    send(client, KEY)
    for page in [*pages, client.get("/ui/"), send(client, {"api_key": "x"})]:
        assert page["Content-Security-Policy"] == POLICY
        text = page.content.decode()
        assert "style=" not in text
        assert re.findall(r"<script(?![^>]*src=)", text) == []
