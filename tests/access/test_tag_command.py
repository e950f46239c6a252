"""`manage.py tag`, as an operator types it, and tags in the admin."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from access.models import Account, Grant, Tag
from access.models.accounts import Kind
from catalog.models import Node
from catalog.permissions.node_permissions import own_tags

pytestmark = pytest.mark.django_db


def tag(*arguments: str) -> str:
    """Return the output of the command."""
    out = StringIO()
    call_command("tag", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_tag_is_created_granted_applied_and_deleted() -> None:
    User.objects.create(username="alice")
    Group.objects.create(name="staff")
    robot = Account.objects.create(kind=Kind.service)
    tag("create", "mx", "--note", "the MX beamline")
    tag("grant", "mx", "user:alice", "--role", "manager")
    tag("grant", "mx", "group:staff", "--role", "writer", "--may-apply")
    tag("grant", "mx", f"service:{robot.uuid}", "--scopes", "read:metadata")
    tag("grant", "mx", "users", "--role", "writer")
    # The same holder again: instead of what they had.
    tag("grant", "mx", "users", "--scopes", "read:metadata, read:data")
    assert tag("list").splitlines() == [
        "mx  the MX beamline",
        "    user:alice: create:node, delete:node, delete:revision, read:data, read:metadata, "
        "register, write:data, write:metadata, may apply",
        "    group:staff: create:node, read:data, read:metadata, write:data, write:metadata, "
        "may apply",
        f"    service:{robot.uuid}: read:metadata",
        "    users: read:data, read:metadata",
    ]
    tag("revoke", "mx", "users")
    assert not Grant.objects.filter(audience="users").exists()
    root, _ = Node.objects.get_or_create(
        path="", defaults={"key": "", "structure_family": "container"}
    )
    Node.objects.create(parent=root, key="a", path="a", structure_family="container")
    assert tag("apply", "/a", "mx", "Public") == "1 node at /a: mx, Public.\n"
    assert own_tags(Node.objects.get(path="a").tag_path_id) == ["mx", "public"]
    assert tag("delete", "mx") == "Deleted tag mx.\n"
    assert tag("list") == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "Public"], "is reserved"),
        (["create", "user:alice"], "is reserved"),
        (["create", " x"], "must not begin or end with a space"),
        (["create", "x" * 256], "at most 255 characters"),
        (["create", "mx"], "There is a tag 'mx' already."),
        (["delete", "no"], "There is no tag 'no'"),
        (["grant", "no", "users", "--role", "reader"], "There is no tag 'no'"),
        (["grant", "mx", "user:no", "--role", "reader"], "There is no user:no."),
        (["grant", "mx", "service:no", "--role", "reader"], "'no' is not the UUID of a service."),
        (["grant", "mx", "group:no", "--role", "reader"], "There is no group 'no'."),
        (["grant", "mx", "alice", "--role", "reader"], "'alice' is not a holder"),
        (["grant", "mx", "users", "--scopes", "metrics"], "unknown scope of nodes metrics"),
        (["grant", "mx", "users"], "--role"),
        (["revoke", "mx", "users"], "users has no grant of the tag 'mx'."),
        (["apply", "/no", "mx"], "No such entry: ['no']"),
        (["apply", "/", "no"], "There is no tag 'no'"),
    ],
)
def test_invalid_input_is_rejected_with_a_reason(arguments: list[str], says: str) -> None:
    Tag.objects.create(name="mx")
    with pytest.raises(CommandError, match=re.escape(says)):
        tag(*arguments)
    assert not Grant.objects.exists()


def test_a_tag_and_its_grants_are_created_in_the_admin(client: Client) -> None:
    client.force_login(User.objects.create_superuser("admin"))
    client.post(
        "/admin/access/tag/add/",
        {
            "name": "mx",
            "grants-TOTAL_FORMS": "1",
            "grants-INITIAL_FORMS": "0",
            "grants-0-audience": "users",
            "grants-0-scopes": ["read:metadata"],
        },
    )
    made = Grant.objects.get(tag__name="mx")
    assert (made.audience, made.scopes, made.may_apply) == ("users", ["read:metadata"], False)
    assert "1" in client.get("/admin/access/tag/").content.decode()
    refused = client.post("/admin/access/tag/add/", {"name": "public"})
    assert not Tag.objects.filter(name="public").exists()
    assert refused.status_code == 200
