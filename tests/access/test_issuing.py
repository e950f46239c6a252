"""Keys that users make for themselves, and admins for others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgpack
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from pytest_django import DjangoAssertNumQueries

from access.api_keys.issuing import MAX_API_KEYS, ApiKeyRequest, issue_for_account, issue_for_self
from access.api_keys.store import create_key
from access.authentication.credentials import authenticate_key, authenticate_token
from access.models import Account, ApiKey, Session
from core.errors import Unauthorized

from .conftest import Visitor, detail, visitor

NODE = {"structure_family": "container"}


@pytest.fixture
def asking(alice: User) -> Visitor:
    return visitor("alice", "wonderland")


@pytest.fixture
def managing(admin: User) -> Visitor:
    return visitor("ada", "engine")


def make(asking: Visitor, address: str = "/auth/apikey", **requested: Any) -> dict[str, Any]:
    return asking.json("POST", address, {"scopes": None, "expires_in": None, **requested})


def test_a_key_belongs_to_its_owner_and_has_their_scopes_unless_restricted(asking: Visitor) -> None:
    made = make(asking, expires_in=60.0, note="websocket")
    assert made["secret"].startswith(made["first_eight"])
    assert len(made["secret"]) == 72
    assert (made["scopes"], made["access_tags"], made["note"]) == (["inherit"], None, "websocket")
    ends = parse_datetime(made["expiration_time"])
    assert ends is not None
    assert timedelta(seconds=58) < ends - timezone.now() <= timedelta(seconds=60)
    with_key = Visitor(f"Apikey {made['secret']}")
    assert with_key.status("POST", "/metadata/", NODE) == 200
    told = with_key.json("GET", "/auth/apikey")
    assert (told["first_eight"], "secret" in told) == (made["first_eight"], False)
    reader = Visitor(f"Apikey {make(asking, scopes=['read:metadata'])['secret']}")
    assert reader.status("GET", "/metadata/") == 200
    assert reader.status("POST", "/metadata/", NODE) == 401
    gone = f"/auth/apikey?first_eight={made['secret'][:12]}"
    assert (asking.status("DELETE", gone), asking.status("DELETE", gone)) == (204, 404)
    assert with_key.status("GET", "/metadata/") == 401
    none = asking.send("GET", "/auth/apikey")
    assert (none.status_code, detail(none)) == (401, "No API key was provided with this request.")


@pytest.mark.parametrize(
    ("requested", "status"),
    [
        ({"scopes": ["admin:apikeys"]}, 403),
        ({"scopes": ["fly"]}, 403),
        ({"access_tags": ["a"]}, 403),
        ({"scopes": ["inherit"], "access_tags": ["a"]}, 403),
        ({"scopes": ["read:data"], "access_tags": ["a"]}, 200),
        ({"expires_in": 60}, 200),
        ({"expires_in": 60.0}, 200),
        ({"expires_in": 60.5}, 422),
        ({"expires_in": 0}, 422),
        ({"expires_in": -1}, 422),
        ({"expires_in": 10**18}, 422),
        ({"expires_in": 1e300}, 422),
        ({"expires_in": True}, 422),
        ({"expires_in": "1h"}, 422),
        ({"scopes": []}, 422),
        ({"scopes": "read:data"}, 422),
        ({"scopes": [1]}, 422),
        ({"scopes": [""]}, 422),
        ({"access_tags": ["a\0"]}, 422),
        ({"note": 7}, 422),
        ({"note": "n" * 256}, 422),
        ({"note": "\0"}, 422),
    ],
)
def test_invalid_properties_of_a_key_are_rejected(
    asking: Visitor, requested: dict[str, Any], status: int
) -> None:
    body = {"scopes": None, "expires_in": None, **requested}
    response = asking.send("POST", "/auth/apikey", body)
    assert response.status_code == status, response.content
    assert ApiKey.objects.count() == (1 if status == 200 else 0)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"scopes": null}', b"\xff", b"null"])
def test_a_malformed_body_is_rejected(asking: Visitor, body: bytes) -> None:
    assert asking.status("POST", "/auth/apikey", body) == 422


def test_the_number_of_keys_per_principal_is_limited(asking: Visitor, alice: User) -> None:
    owner = alice.account
    past = timezone.now() - timedelta(days=1)
    ApiKey.objects.bulk_create(
        ApiKey(first_eight=f"{number:08}", owner=owner, scopes=["inherit"], expires=expires)
        for number, expires in enumerate([None] * (MAX_API_KEYS - 1) + [past] * 5)
    )
    make(asking)
    full = asking.send("POST", "/auth/apikey", {"scopes": None, "expires_in": None})
    assert (full.status_code, str(MAX_API_KEYS) in detail(full)) == (400, True)


def test_a_key_made_with_a_restricted_key_has_the_same_restrictions(asking: Visitor) -> None:
    scopes = ["read:metadata", "create:apikeys"]
    narrow = make(asking, scopes=scopes, access_tags=["a", "b"], expires_in=60)
    with_key = Visitor(f"Apikey {narrow['secret']}")
    child = make(with_key)
    assert sorted(child["scopes"]) == sorted(scopes)
    assert child["access_tags"] == ["a", "b"]
    assert child["expiration_time"] == narrow["expiration_time"]
    assert make(with_key, scopes=["read:metadata"], access_tags=["a"])["access_tags"] == ["a"]
    for requested in ({"scopes": ["read:data"]}, {"access_tags": ["c"]}):
        body = {"scopes": None, "expires_in": None, **requested}
        assert with_key.status("POST", "/auth/apikey", body) == 403


def test_a_key_with_tags_and_all_scopes_creates_an_equal_one(asking: Visitor) -> None:
    scopes = asking.json("GET", "/auth/whoami")["roles"][0]["scopes"]
    full = make(asking, scopes=scopes, access_tags=["a"])
    child = make(Visitor(f"Apikey {full['secret']}"), expires_in=60.0, note="websocket")
    assert (sorted(child["scopes"]), child["access_tags"]) == (sorted(scopes), ["a"])


def test_only_an_admin_revokes_keys_of_other_principals(
    asking: Visitor, managing: Visitor, alice: User
) -> None:
    made = make(asking)
    gone = f"?first_eight={made['first_eight']}"
    theirs = managing.send("DELETE", f"/auth/apikey{gone}")
    assert theirs.status_code == 404
    assert detail(theirs) == "The currently-authenticated user has no such API key."
    address = f"/auth/principal/{alice.account.uuid}/apikey{gone}"
    assert asking.status("DELETE", address) == 401
    assert managing.status("DELETE", address) == 204
    assert managing.status("DELETE", address) == 404
    assert managing.status("DELETE", f"/auth/principal/{alice.account.uuid}/apikey") == 422


def test_an_admin_creates_services_and_their_keys(managing: Visitor, asking: Visitor) -> None:
    service = managing.json("POST", "/auth/principal?role=user")
    assert (service["type"], service["identities"]) == ("service", [])
    address = f"/auth/principal/{service['uuid']}/apikey"
    made = make(managing, address, note="a bot")
    bot = Visitor(f"Apikey {made['secret']}")
    assert bot.json("GET", "/auth/whoami")["uuid"] == service["uuid"]
    assert bot.status("POST", "/metadata/", NODE) == 200
    body = {"scopes": ["register"], "expires_in": None}
    assert managing.status("POST", address, body) == 403
    for nobody, status in [("0" * 32, 404), ("nonsense", 422)]:
        body = {"scopes": None, "expires_in": None}
        assert managing.status("POST", f"/auth/principal/{nobody}/apikey", body) == status
        assert managing.status("GET", f"/auth/principal/{nobody}") == status
    assert managing.status("POST", "/auth/principal?role=emperor") == 422
    assert managing.status("POST", "/auth/principal") == 422
    for method, path in [("POST", "/auth/principal?role=user"), ("GET", "/auth/principal")]:
        assert asking.status(method, path) == 401


def test_principals_are_listed_page_by_page(managing: Visitor, asking: Visitor) -> None:
    listed = managing.json("GET", "/auth/principal?offset=1&limit=0")
    assert {one["identities"][0]["id"] for one in listed} == {"alice", "ada"}
    one = managing.json("GET", "/auth/principal?page%5Boffset%5D=1&page[limit]=1")
    assert one == listed[1:]
    assert managing.json("GET", f"/auth/principal/{listed[0]['uuid']}") == listed[0]
    assert managing.status("GET", "/auth/principal?page[limit]=x") == 422


def test_a_key_of_the_site_counts_where_there_are_no_users_and_no_other_does(
    asking: Visitor, settings: Any
) -> None:
    own = make(asking)["secret"]
    _, of_site = create_key(scopes=["read:metadata"])
    assert Visitor(f"Apikey {of_site}").status("GET", "/metadata/") == 401
    assert Visitor(f"Apikey {own}").status("GET", "/metadata/") == 200
    alone = settings.TILED.authentication.model_copy(
        update={"providers": [], "single_user_api_key": "secret"}
    )
    settings.TILED = settings.TILED.model_copy(update={"authentication": alone})
    assert Visitor(f"Apikey {of_site}").status("GET", "/metadata/") == 200
    assert Visitor(f"Apikey {own}").status("GET", "/metadata/") == 401
    token = asking.authorization or ""
    assert Visitor(token).status("GET", "/metadata/") == 401


def test_msgpack_is_spoken_here_too(asking: Visitor) -> None:
    body = {"scopes": None, "expires_in": 60}
    response = asking.send("POST", "/auth/apikey", body, accept="application/x-msgpack")
    told = msgpack.unpackb(response.content, timestamp=3)
    assert told["expiration_time"].tzinfo is not None
    assert response.headers["Cache-Control"] == "no-store"


def test_a_key_and_a_token_cost_one_query_each(
    asking: Visitor, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    secret = make(asking)["secret"]
    authenticate_key(secret)
    with django_assert_num_queries(1):
        assert authenticate_key(secret).names == {"user:alice"}
    token = (asking.authorization or "").removeprefix("Bearer ")
    with django_assert_num_queries(1):
        assert authenticate_token(token).names == {"user:alice"}


def test_keys_created_with_a_key_are_revoked_with_it(asking: Visitor, managing: Visitor) -> None:
    first = make(asking)
    second = make(Visitor(f"Apikey {first['secret']}"))
    third = make(Visitor(f"Apikey {second['secret']}"))
    of_token = make(asking)
    service = managing.json("POST", "/auth/principal?role=user")["uuid"]
    chief = make(managing)
    for_other = make(Visitor(f"Apikey {chief['secret']}"), f"/auth/principal/{service}/apikey")
    for revoking, key in ((asking, first), (managing, chief)):
        address = f"/auth/apikey?first_eight={key['first_eight']}"
        assert revoking.status("DELETE", address) == 204
    gone = (first, second, third, chief, for_other)
    assert [Visitor(f"Apikey {key['secret']}").status("GET", "/metadata/") for key in gone] == [
        401
    ] * len(gone)
    assert Visitor(f"Apikey {of_token['secret']}").status("GET", "/metadata/") == 200


def test_credentials_revoked_during_a_request_create_no_key(asking: Visitor) -> None:
    """The request was let in already."""
    secret = make(asking)["secret"]
    account = Account.objects.get(user__username="alice")
    requested = ApiKeyRequest(scopes=None, lifetime=None, access_tags=None, note="")
    token = authenticate_token((asking.authorization or "").removeprefix("Bearer "))
    with_key = authenticate_key(secret)
    ApiKey.objects.all().delete()
    Session.objects.update(revoked=True)
    for principal in (token, with_key):
        with pytest.raises(Unauthorized):
            issue_for_self(principal=principal, account=account, requested=requested)
        with pytest.raises(Unauthorized):
            issue_for_account(principal=principal, account=account, requested=requested)
    assert not ApiKey.objects.exists()
