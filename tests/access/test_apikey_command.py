"""`manage.py apikey`, as an operator types it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from access.api_keys.expiry import parse_expiry
from access.models import ApiKey

pytestmark = pytest.mark.django_db


def apikey(*arguments: str) -> str:
    """Return the output of the command."""
    out = StringIO()
    call_command("apikey", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_a_key_is_created_listed_and_revoked() -> None:
    secret = apikey(
        "create", "--scopes", "read:data, read:metadata", "--expires", "7d", "--note", "a display"
    )
    assert re.fullmatch(r"[0-9a-f]{72}\n", secret)
    key = ApiKey.objects.get()
    assert key.expires is not None
    assert timedelta(days=6) < key.expires - timezone.now() <= timedelta(days=7)
    header, row = apikey("list").splitlines()
    assert header.split()[0] == "KEY"
    assert row.startswith(f"{secret[:8]}  read:data,read:metadata  {key.expires:%Y-%m-%d %H:%M}")
    assert row.endswith("a display")
    assert secret[8:-1] not in row
    assert apikey("revoke", secret[:8]) == f"Key {secret[:8]} is revoked.\n"
    assert apikey("list").splitlines()[1:] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create"], "--scopes"),
        (["create", "--scopes", "read:data,fly"], "unknown scope fly; known scopes: read:metadata"),
        (["create", "--scopes", ","], "at least one scope"),
        (["create", "--scopes", "read:data", "--expires", "soon"], "90m, 12h, 7d or 4w"),
        (["create", "--scopes", "read:data", "--expires", "999999w"], "90m, 12h, 7d or 4w"),
        (["create", "--scopes", "read:data", "--expires", "2020-01-31"], "still to come"),
        (["revoke", "01234567"], "There is no key that begins with '01234567'."),
        ([], "action"),
    ],
)
def test_invalid_input_is_rejected_with_a_reason(arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=re.escape(says)):
        apikey(*arguments)
    assert not ApiKey.objects.exists()


def test_a_date_is_one_of_the_sites_zone_unless_it_names_another() -> None:
    assert parse_expiry("2030-01-31") == datetime(2030, 1, 31, tzinfo=UTC)
    assert parse_expiry("2030-01-31T12:00+01:00") == datetime(2030, 1, 31, 11, tzinfo=UTC)
