"""Keys besides the site's own: what they open, until when."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from access import events
from access.api_keys.lookup import principal_for_secret
from access.api_keys.store import create_key, hash_of_bytes, revoke_key
from access.authentication.credentials import SERVICE_KEY_PRINCIPAL, authenticate_key
from access.models import ApiKey
from access.principals import READ, Scope
from catalog.models import Node
from core.errors import Invalid, NotFound, Unauthorized

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def root() -> None:
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})


def key_for(scopes: Collection[Scope] = READ) -> tuple[ApiKey, str]:
    return create_key(scopes=scopes)


def status(secret: str, method: str = "get") -> int:
    """Of reading the root's metadata, or of making a child of it."""
    headers = {"authorization": f"Apikey {secret}"}
    body = {"structure_family": "container"}
    client = Client()
    if method == "get":
        return client.get("/api/v1/metadata/", headers=headers).status_code
    response = client.post(
        "/api/v1/metadata/", body, content_type="application/json", headers=headers
    )
    return response.status_code


def test_a_key_grants_only_its_scopes() -> None:
    _, reader = key_for()
    _, writer = key_for([Scope.write_metadata, Scope.create_node])
    assert (status(reader), status(reader, "post")) == (200, 401)
    assert (status(writer), status(writer, "post")) == (401, 200)


def test_a_secret_is_not_kept_and_every_digit_of_it_counts() -> None:
    key, secret = key_for()
    assert secret.startswith(key.first_eight)
    assert len(secret) == 72
    row = ApiKey.objects.filter(pk=key.pk).values().get()
    assert not any(secret[8:] in str(value) for value in row.values())
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    for wrong in (other, secret[:-1], secret + "0", secret.upper(), row["hashed_secret"]):
        assert status(wrong) == 401


def test_a_key_from_tiled_is_known_by_the_hash_of_its_bytes() -> None:
    key, secret = key_for()
    key.hashed_secret = hash_of_bytes(hashlib.sha256(bytes.fromhex(secret)).digest())
    key.save()
    assert status(secret) == 200
    other = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    for wrong in (other, secret[:-1], key.hashed_secret):
        assert status(wrong) == 401
    # A browser that has logged in with the key stays logged in.
    client = Client()
    assert client.post("/ui/login", {"api_key": secret}).status_code == 303
    assert client.get("/api/v1/metadata/").status_code == 200


def test_a_key_that_is_revoked_opens_nothing_from_then_on() -> None:
    key, secret = key_for()
    assert status(secret) == 200
    revoke_key(key.first_eight)
    assert status(secret) == 401
    with pytest.raises(NotFound):
        revoke_key(key.first_eight)


def test_a_key_opens_nothing_after_it_has_expired() -> None:
    key, secret = create_key(scopes=READ, expires=timezone.now() + timedelta(minutes=1))
    assert status(secret) == 200
    ApiKey.objects.filter(pk=key.pk).update(expires=timezone.now())
    assert status(secret) == 401


def test_a_key_without_scopes_or_lifetime_is_not_created() -> None:
    with pytest.raises(Invalid):
        create_key(scopes=[])
    with pytest.raises(Invalid):
        create_key(scopes=READ, expires=timezone.now())
    assert not ApiKey.objects.exists()


def test_the_sites_own_key_costs_no_query_and_any_other_costs_one(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    _, secret = key_for()
    authenticate_key(secret)
    with django_assert_num_queries(0):
        assert authenticate_key("secret") is SERVICE_KEY_PRINCIPAL
    with django_assert_num_queries(1):
        authenticate_key(secret)


def test_when_a_key_was_last_used_is_noted_once_a_minute() -> None:
    key, secret = key_for()
    principal_for_secret(secret)
    key.refresh_from_db()
    first = key.last_used
    assert first is not None
    principal_for_secret(secret)
    key.refresh_from_db()
    assert key.last_used == first
    ApiKey.objects.update(last_used=first - timedelta(minutes=2))
    principal_for_secret(secret)
    key.refresh_from_db()
    assert key.last_used > first


def test_however_a_key_is_deleted_it_is_announced() -> None:
    heard: list[int] = []

    def hear(*, event: events.KeyRevoked, **_: object) -> None:
        heard.append(event.key_id)

    events.key_revoked.connect(hear)
    try:
        first, second, third = (key_for()[0] for _ in range(3))
        ids = [first.pk, second.pk, third.pk]
        revoke_key(first.first_eight)
        second.delete()
        ApiKey.objects.all().delete()
    finally:
        events.key_revoked.disconnect(hear)
    assert heard == ids


def test_a_revoked_key_stays_revoked_when_a_signal_receiver_fails() -> None:
    def fail(**_: object) -> None:
        raise ConnectionError

    key, secret = key_for()
    events.key_revoked.connect(fail)
    try:
        revoke_key(key.first_eight)
    finally:
        events.key_revoked.disconnect(fail)
    assert status(secret) == 401


@given(st.text(st.characters()) | st.from_regex(r"[0-9a-f]{72}", fullmatch=True))
def test_no_text_that_is_not_a_key_opens_anything(text: str) -> None:
    with pytest.raises(Unauthorized):
        authenticate_key(text)


@pytest.mark.parametrize("version", ["2", "3"])
def test_data_alone_lists_no_container_by_a_name_like_a_chunk(
    root: None, client: Client, version: str
) -> None:
    own = {"authorization": "Apikey secret"}
    chunk = "5" if version == "2" else "c/5"
    path = "box"
    names = chunk.split("/")
    for key in ("box", *names):
        parent = "" if key == "box" else path
        path = f"{parent}/{key}".strip("/")
        body = {"structure_family": "container", "metadata": {}, "data_sources": [], "specs": []}
        made = client.post(
            f"/api/v1/metadata/{parent}",
            {**body, "id": key},
            content_type="application/json",
            headers=own,
        )
        assert made.status_code == 200, made.content
    for scopes, status in (([Scope.read_data], 401), (sorted(READ), 200)):
        _, secret = create_key(scopes=scopes)
        answer = client.get(
            f"/zarr/v{version}/box/{chunk}", headers={"authorization": f"Apikey {secret}"}
        )
        assert answer.status_code == status, answer.content
