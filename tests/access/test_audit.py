"""The audit log: who logged in, and who changed what."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from access.models import ApiKey, Tag
from access.permissions.tags import create_tag, grant
from access.principals import Scope

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "correct horse battery staple"


@pytest.fixture
def alice() -> User:
    return User.objects.create_superuser("alice", password=PASSWORD)


def events(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    found = [record.fields for record in caplog.records if record.name == "audit"]  # type: ignore[attr-defined]
    caplog.clear()
    return found


def log_in(client: Client, password: str) -> None:
    client.post("/admin/login/?next=/admin/", {"username": "alice", "password": password})


@pytest.mark.usefixtures("alice")
def test_logins_and_failed_logins_are_recorded_without_the_password(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "audit")
    log_in(client, "wrong")
    log_in(client, PASSWORD)
    assert "wrong" not in caplog.text
    assert PASSWORD not in caplog.text
    failed, succeeded = events(caplog)
    assert (failed["event"], failed["user"]) == ("login_failed", "alice")
    assert (succeeded["event"], succeeded["principal"]) == ("login", "user:alice")


@pytest.mark.usefixtures("alice")
def test_changes_in_the_admin_are_recorded_with_the_user(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "audit")
    log_in(client, PASSWORD)
    events(caplog)
    form = {"name": "beamline", "note": "", "grants-TOTAL_FORMS": 0, "grants-INITIAL_FORMS": 0}
    assert client.post("/admin/access/tag/add/", form).status_code == 302
    found = {event["event"]: event for event in events(caplog)}
    assert found["tag_created"]["tag"] == "beamline"
    change = found["admin_change"]
    assert (change["principal"], change["action"], change["object"]) == (
        "user:alice",
        "added",
        "beamline",
    )


def test_permissions_and_keys_are_recorded_when_they_are_granted_and_when_they_are_revoked(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    create_tag(name="scans")
    caplog.set_level("INFO", "audit")
    caplog.clear()
    grant(tag="scans", holder="user:alice", scopes={Scope.read_data})
    ApiKey.objects.create(
        first_eight="01234567", hashed_secret="x", owner=alice.account, scopes=["read:data"]
    )
    granted, created = events(caplog)
    assert granted["event"] == "permission_granted"
    assert (granted["tag"], granted["holder"]) == ("scans", "user:alice")
    assert granted["scopes"] == ["read:data"]
    assert (created["event"], created["key"], created["owner"]) == (
        "key_created",
        "01234567",
        "alice",
    )
    # With the user, their key and their grant are gone.
    alice.delete()
    assert {event["event"] for event in events(caplog)} == {
        "user_deleted",
        "account_deleted",
        "key_revoked",
        "permission_revoked",
    }
    assert Tag.objects.filter(name="scans").exists()
