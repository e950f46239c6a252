"""Logging in with a password, tokens, sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from access.authentication.jwt_tokens import _secrets
from access.config import authentication_settings
from access.login.sessions import MAX_SESSIONS
from access.models import ApiKey, Session
from catalog.models import Node

from .conftest import LOCAL, Visitor, detail, visitor, with_authentication

OVER = "Session has expired. Please re-authenticate."
INVALID = "Could not validate credentials"


def tokens(name: str = "alice", password: str = "wonderland") -> dict[str, Any]:
    return orjson.loads(Visitor().log_in(name, password).content)


def forged(**claims: Any) -> str:
    """A token signed by this very site."""
    later = datetime.now(UTC) + timedelta(minutes=5)
    return jwt.encode({"exp": later, **claims}, _secrets()[0], "HS256")


def test_a_password_login_returns_tokens_with_identity_and_scopes(alice: User) -> None:
    told = tokens()
    assert told["token_type"] == "bearer"
    assert told["identity"] == {"id": "alice", "provider": "local"}
    assert told["principal"] == alice.account.uuid.hex
    assert (round(told["expires_in"]), round(told["refresh_token_expires_in"])) == (900, 604800)
    claims = jwt.decode(told["access_token"], options={"verify_signature": False})
    assert {name: claims[name] for name in ("sub", "sub_typ", "type", "state", "ids")} == {
        "sub": alice.account.uuid.hex,
        "sub_typ": "user",
        "type": "access",
        "state": {},
        "ids": [{"id": "alice", "idp": "local"}],
    }
    assert "register" not in claims["scp"]
    me = Visitor(f"Bearer {told['access_token']}").json("GET", "/auth/whoami")
    assert (me["type"], me["uuid"]) == ("user", alice.account.uuid.hex)
    assert [identity["id"] for identity in me["identities"]] == ["alice"]
    assert [role["name"] for role in me["roles"]] == ["user"]
    assert len(me["sessions"]) == 1


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"username=alice&password=wrong", "", 401),
        (b"username=nobody&password=wonderland", "", 401),
        (b"username=alice%00&password=wonderland", "", 401),
        (b"username=%FF&password=%FF", "", 401),
        (b"username=alice", "", 422),
        (b"grant_type=code&username=alice&password=wonderland", "", 422),
        (b'{"username": "alice", "password": "wonderland"}', "application/json", 422),
        (b"", "", 422),
    ],
)
def test_anything_else_brings_none(alice: User, body: bytes, media_type: str, status: int) -> None:
    media_type = media_type or "application/x-www-form-urlencoded"
    response = Visitor().send("POST", "/auth/provider/local/token", body, media_type)
    assert response.status_code == status, response.content
    if status == 401:
        assert detail(response) == "Incorrect username or password"
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.headers["X-Tiled-Root"] == "http://testserver/api/v1"
    assert not Session.objects.exists()


def test_there_is_no_other_provider_than_those_of_the_settings(alice: User) -> None:
    assert Visitor().log_in("alice", "wonderland", "other").status_code == 404
    assert Visitor().log_in("alice", "wonderland", "%FF%00").status_code == 404


def test_a_session_is_refreshed_until_it_is_revoked_or_over(alice: User) -> None:
    told = tokens()

    def refresh() -> tuple[int, Any]:
        body = {"refresh_token": told["refresh_token"]}
        response = Visitor().send("POST", "/auth/session/refresh", body)
        return response.status_code, orjson.loads(response.content)

    status, again = refresh()
    assert status == 200
    assert set(again) == {
        "access_token",
        "expires_in",
        "refresh_token",
        "refresh_token_expires_in",
        "token_type",
    }
    Session.objects.update(expires=timezone.now())
    assert refresh() == (401, {"detail": OVER})
    Session.objects.update(expires=timezone.now() + timedelta(days=1))
    revoke = {"refresh_token": told["refresh_token"]}
    for _ in range(2):
        assert Visitor().status("POST", "/auth/session/revoke", revoke) == 204
    assert refresh() == (401, {"detail": OVER})
    # What was given out before is over with it, and makes nothing that would last.
    stolen = Visitor(f"Bearer {told['access_token']}")
    requested = {"scopes": None, "expires_in": None}
    for method, address, body in [("GET", "/metadata/", None), ("POST", "/auth/apikey", requested)]:
        response = stolen.send(method, address, body)
        assert (response.status_code, detail(response)) == (401, OVER)
    assert not ApiKey.objects.exists()
    Session.objects.all().delete()
    assert refresh() == (401, {"detail": OVER})
    assert Visitor().status("POST", "/auth/session/revoke", revoke) == 409


def test_an_expired_token_is_rejected_with_the_remedy(alice: User, settings: Settings) -> None:
    told = tokens()
    past = datetime.now(UTC) - timedelta(seconds=1)
    for token, status, says in [
        (forged(type="access", sub=alice.account.uuid.hex, scp=[], exp=past), 401, "has expired"),
        (forged(type="refresh", sid=Session.objects.get().uuid.hex, exp=past), 401, INVALID),
        (told["refresh_token"], 401, INVALID),
    ]:
        response = Visitor(f"Bearer {token}").send("GET", "/metadata/")
        assert (response.status_code, says in detail(response)) == (status, True)
        assert response.headers["WWW-Authenticate"] == "Bearer"
    for token, says in [
        (forged(type="refresh", sid=Session.objects.get().uuid.hex, exp=past), OVER),
        (told["access_token"], INVALID),
    ]:
        response = Visitor().send("POST", "/auth/session/refresh", {"refresh_token": token})
        assert (response.status_code, detail(response)) == (401, says)


@pytest.mark.parametrize(
    "token",
    [
        lambda: "garbage",
        lambda: "é.è.ê",
        lambda: "a.b.c",
        lambda: jwt.encode({"type": "access"}, "x" * 32, "HS256"),
        lambda: jwt.encode({"type": "access"}, None, "none"),
        lambda: forged(type="access"),
        lambda: forged(type="access", sub="nobody", scp=[]),
        lambda: forged(type="access", sub="0" * 32, scp=[]),
        lambda: forged(type="access", sub=1, scp=[]),
        lambda: forged(type="access", sub="0" * 32, scp=3),
        lambda: forged(type="access", sub="0" * 32, scp=[], sid=[]),
        lambda: forged(type=["access"], sub="0" * 32, scp=[]),
        lambda: forged(type="refresh", sid=7),
        lambda: forged(type="refresh"),
    ],
)
def test_tokens_that_this_site_did_not_issue_are_rejected(
    alice: User, token: Callable[[], str]
) -> None:
    made = token()
    response = Visitor(f"Bearer {made}").send("GET", "/metadata/")
    assert (response.status_code, detail(response)) == (401, INVALID)
    for address in ("/auth/session/refresh", "/auth/session/revoke"):
        response = Visitor().send("POST", address, {"refresh_token": made})
        assert (response.status_code, detail(response)) == (401, INVALID)


def test_the_first_secret_signs_and_all_verify(alice: User, settings: Settings) -> None:
    old, new = "o" * 32, "n" * 32
    with_authentication(settings, providers=[LOCAL], secret_keys=[old])
    told = tokens()
    with_authentication(settings, providers=[LOCAL], secret_keys=[new, old])
    jwt.decode(tokens()["access_token"], new, ["HS256"])
    assert Visitor(f"Bearer {told['access_token']}").status("GET", "/metadata/") == 200
    with_authentication(settings, providers=[LOCAL], secret_keys=[new])
    assert Visitor(f"Bearer {told['access_token']}").status("GET", "/metadata/") == 401


def test_a_deactivated_or_deleted_user_is_rejected_immediately(alice: User) -> None:
    told, asking = tokens(), visitor("alice", "wonderland")
    key = asking.json("POST", "/auth/apikey", {"scopes": None, "expires_in": None})["secret"]
    with_key = Visitor(f"Apikey {key}")
    assert (asking.status("GET", "/metadata/"), with_key.status("GET", "/metadata/")) == (200, 200)
    User.objects.update(is_active=False)
    assert (asking.status("GET", "/metadata/"), with_key.status("GET", "/metadata/")) == (401, 401)
    refresh = {"refresh_token": told["refresh_token"]}
    assert Visitor().status("POST", "/auth/session/refresh", refresh) == 401
    assert Visitor().log_in("alice", "wonderland").status_code == 401
    User.objects.update(is_active=True)
    assert asking.status("GET", "/metadata/") == 200
    alice.delete()
    assert (asking.status("GET", "/metadata/"), with_key.status("GET", "/metadata/")) == (401, 401)
    assert Visitor().status("POST", "/auth/session/refresh", refresh) == 401


def test_an_admin_has_both_roles_until_they_are_none_any_more(admin: User) -> None:
    asking = visitor("ada", "engine")
    roles = {role["name"]: role["scopes"] for role in asking.json("GET", "/auth/whoami")["roles"]}
    assert set(roles) == {"user", "admin"}
    assert "create:apikeys" in set(roles["user"]) - set(roles["admin"])
    assert asking.status("GET", "/auth/principal") == 200
    User.objects.update(is_superuser=False)
    assert asking.status("GET", "/auth/principal") == 401
    assert asking.status("GET", "/metadata/") == 200


def test_a_session_of_ones_own_is_ended_by_its_id_and_no_other(alice: User, admin: User) -> None:
    asking, other = visitor("alice", "wonderland"), visitor("ada", "engine")
    mine = Session.objects.get(account=alice.account)
    theirs = Session.objects.get(account=admin.account)
    assert asking.status("DELETE", f"/auth/session/revoke/{theirs.uuid}") == 404
    assert asking.status("DELETE", "/auth/session/revoke/nonsense") == 422
    assert Visitor().status("DELETE", f"/auth/session/revoke/{mine.uuid}") == 401
    assert asking.status("DELETE", f"/auth/session/revoke/{mine.uuid}") == 204
    mine.refresh_from_db()
    theirs.refresh_from_db()
    assert (mine.revoked, theirs.revoked) == (True, False)
    assert other.status("GET", "/auth/whoami") == 200


def test_the_number_of_sessions_per_account_is_limited(alice: User) -> None:
    later = timezone.now() + timedelta(days=1)
    Session.objects.bulk_create(
        Session(account=alice.account, provider="local", identifier="alice", expires=later)
        for _ in range(MAX_SESSIONS - 1)
    )
    assert Visitor().log_in("alice", "wonderland").status_code == 200
    assert Visitor().log_in("alice", "wonderland").status_code == 400
    Session.objects.filter(revoked=False).first().delete()  # type: ignore[union-attr]
    assert Visitor().log_in("alice", "wonderland").status_code == 200


def test_a_site_without_users_has_none_of_these_addresses(transactional_db: None) -> None:
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    assert not authentication_settings().multi_user
    owner = Visitor("Apikey secret")
    for method, address in [
        ("GET", "/auth/whoami"),
        ("POST", "/auth/apikey"),
        ("POST", "/auth/session/refresh"),
        ("GET", "/auth/principal"),
        ("POST", "/auth/logout"),
        ("POST", "/auth/provider/local/token"),
        ("POST", "/auth/provider/local/authorize"),
    ]:
        assert owner.status(method, address) == 404
    told = owner.json("GET", "/")["authentication"]
    assert told == {"required": True, "providers": [], "links": None}
    scopes = detail(owner.send("DELETE", "/auth/whoami"))
    assert scopes  # 404 or 405, and never a page


def test_about_lists_the_login_endpoints(site: Settings) -> None:
    told = Visitor().json("GET", "/")["authentication"]
    base = "http://testserver/api/v1/auth"
    assert told == {
        "required": True,
        "providers": [
            {
                "provider": "local",
                "mode": "internal",
                "links": {"auth_endpoint": f"{base}/provider/local/token"},
                "confirmation_message": "You are {id}.",
                "extra_scopes": None,
            }
        ],
        "links": {
            "whoami": f"{base}/whoami",
            "apikey": f"{base}/apikey",
            "refresh_session": f"{base}/session/refresh",
            "revoke_session": f"{base}/session/revoke/{{session_id}}",
            "logout": f"{base}/logout",
        },
    }


def test_an_anonymous_principal_is_null_and_logout_deletes_the_key_cookie(
    alice: User,
) -> None:
    assert Visitor().json("GET", "/auth/whoami") is None
    asking = visitor("alice", "wonderland")
    key = asking.json("POST", "/auth/apikey", {"scopes": None, "expires_in": None})["secret"]
    browser = Visitor()
    assert browser.json("GET", f"/auth/whoami?api_key={key}")["type"] == "user"
    assert browser.json("GET", "/auth/whoami")["type"] == "user"
    assert browser.status("POST", "/auth/logout") == 403
    token = browser.client.cookies["tiled_csrf"].value
    out = browser.send("POST", "/auth/logout", **{"x-csrf": token})
    assert (out.status_code, out.content) == (200, b"{}")
    assert browser.json("GET", "/auth/whoami") is None
