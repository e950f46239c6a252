"""Credentials of a request: where they are looked for, and what each of them allows."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.models import Node
from tests.in_process_server import answer, header

WRONG = "Invalid API key"


@pytest.fixture
def client(transactional_db: None) -> Client:
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    return Client(enforce_csrf_checks=True)


def create(client: Client, query: str = "", **headers: str) -> tuple[int, str]:
    """Ask for a new container; the status, and why not."""
    response = client.post(
        f"/api/v1/metadata/{query}",
        {"structure_family": "container"},
        content_type="application/json",
        headers=headers,
    )
    if response.headers["Content-Type"] == "text/plain":
        return response.status_code, response.content.decode()
    return response.status_code, response.json().get("detail", "")


@pytest.mark.parametrize(
    ("query", "header", "status", "says"),
    [
        ("", "Apikey secret", 200, ""),
        ("", "APIKEY  secret ", 200, ""),
        ("?api_key=secret", "", 200, ""),
        ("?api_key=wrong", "Apikey secret", 401, WRONG),
        ("?api_key=secret", "Apikey wrong", 200, ""),
        ("", "Apikey wrong", 401, WRONG),
        ("", "Apikey sécret", 401, WRONG),
        ("", "Bearer secret", 401, "Could not validate credentials"),
        ("", "Basic secret", 400, "'Apikey SECRET'"),
        ("", "secret", 400, "'Apikey SECRET'"),
        ("", "", 401, "Requires scopes ['write:metadata', 'create:node']. Request had scopes []"),
    ],
)
def test_the_first_key_that_is_given_counts_and_any_other_is_refused(
    client: Client, query: str, header: str, status: int, says: str
) -> None:
    headers = {"authorization": header} if header else {}
    found, detail = create(client, query, **headers)
    assert (found, says in detail) == (status, True)


def test_a_missing_scope_is_named_with_the_way_to_authenticate(client: Client) -> None:
    response = client.get("/api/v1/metadata/")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer scope="read:metadata"'
    assert response.headers["X-Tiled-Root"] == "http://testserver/api/v1"


def test_a_public_server_allows_anonymous_reads_and_no_anonymous_writes(
    client: Client, settings: Settings
) -> None:
    public = settings.TILED.authentication.model_copy(update={"allow_anonymous_access": True})
    settings.TILED = settings.TILED.model_copy(update={"authentication": public})
    assert client.get("/api/v1/metadata/").status_code == 200
    assert client.get("/api/v1/").json()["authentication"]["required"] is False
    status, detail = create(client)
    assert (status, "Request had scopes ['read:data', 'read:metadata']" in detail) == (401, True)
    wrong = client.get("/api/v1/metadata/", headers={"authorization": "Apikey wrong"})
    assert wrong.status_code == 401


def test_a_key_in_the_address_is_kept_in_a_cookie_only_if_it_is_right(client: Client) -> None:
    assert client.get("/api/v1/metadata/?api_key=wrong").status_code == 401
    assert "tiled_api_key" not in client.cookies
    assert client.get("/api/v1/metadata/?api_key=secret").status_code == 200
    cookie = client.cookies["tiled_api_key"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert client.get("/api/v1/metadata/").status_code == 200


MOZILLA = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        # Typed, or a bookmark.
        ({"sec-fetch-site": "none"}, True),
        # Over plain HTTP browsers say no more than this.
        ({"user-agent": MOZILLA}, False),
        ({"user-agent": MOZILLA, "referer": "http://testserver.example.org/"}, False),
        ({"user-agent": MOZILLA, "referer": "http://testserver/api/v1/"}, True),
        ({"user-agent": "python-tiled/0.2.20"}, True),
    ],
)
def test_a_link_from_elsewhere_leaves_no_key_in_a_browser(
    client: Client, headers: dict[str, str], kept: bool
) -> None:
    answer = client.get("/api/v1/metadata/?api_key=secret", headers=headers)
    assert answer.status_code == 200
    assert ("tiled_api_key" in client.cookies) is kept


@pytest.mark.parametrize("address", ["/api/v1/metadata/", "/api/v1/metadata/none", "/zarr/v2/"])
def test_no_cache_returns_a_response_to_another_principal(client: Client, address: str) -> None:
    got = answer("GET", address, headers={"authorization": "Apikey secret"})
    assert header(got, "Cache-Control") == "private"
    assert {"Authorization", "Cookie"} <= set(str(header(got, "Vary")).split(", "))


def test_a_key_in_a_cookie_writes_only_with_a_double_submit_csrf_token(client: Client) -> None:
    client.cookies["tiled_api_key"] = "secret"
    assert create(client) == (403, "Expected tiled_csrf_token cookie")
    client.get("/api/v1/")  # every answer brings the token to whoever has none
    token = client.cookies["tiled_csrf"].value
    assert create(client) == (403, "Expected csrf query parameter or x-csrf header")
    assert create(client, **{"x-csrf": "other"}) == (403, "Double-submit CSRF tokens do not match")
    assert create(client, **{"x-csrf": token}) == (200, "")
    assert create(client, f"?csrf={token}") == (200, "")


def test_a_key_in_a_header_needs_no_csrf_token_even_next_to_a_cookie(client: Client) -> None:
    client.cookies["tiled_api_key"] = "secret"
    assert create(client, authorization="Apikey secret") == (200, "")


def test_every_response_sets_a_csrf_token_for_clients_without_one(client: Client) -> None:
    header = {"authorization": "Apikey secret"}
    for method, address in [("get", "/api/v1/"), ("post", "/api/v1/metadata/")]:
        answer = getattr(Client(), method)(address, headers=header)
        cookie = answer.cookies["tiled_csrf"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
        assert len(cookie.value) >= 32
    client.cookies["tiled_csrf"] = "one's own"
    assert "tiled_csrf" not in client.get("/api/v1/", headers=header).cookies


@pytest.mark.parametrize("csrf", ["%FF%00", "%ED%A0%80", "\u20ac"])
def test_a_malformed_csrf_token_is_rejected(client: Client, csrf: str) -> None:
    client.cookies["tiled_api_key"] = "secret"
    client.get("/api/v1/")
    assert create(client, f"?csrf={csrf}") == (403, "Double-submit CSRF tokens do not match")
