"""Keys with which Tiled's client opens a subscription, and which it deletes at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from access.api_keys.websocket_keys import effective_principal
from access.authentication.credentials import authenticate_key, authenticate_token
from access.models import ApiKey, Session

from .conftest import Visitor, visitor

AS_TILED = {"scopes": None, "expires_in": 60.0, "access_tags": None, "note": "websocket"}


@pytest.fixture
def asking(alice: User) -> Visitor:
    return visitor("alice", "wonderland")


def made(asking: Visitor, **other: Any) -> str:
    return str(asking.json("POST", "/auth/apikey", AS_TILED | other)["secret"])


def test_a_websocket_key_made_with_a_token_depends_on_the_login(asking: Visitor) -> None:
    login = Session.objects.get()
    token = authenticate_token((asking.authorization or "").removeprefix("Bearer "))
    opened = effective_principal(authenticate_key(made(asking)))
    assert (opened.key_id, opened.session, opened.expires) == (None, login.uuid, login.expires)
    assert (opened.uuid, opened.scopes) == (token.uuid, token.scopes)


def test_a_websocket_key_made_with_a_key_depends_on_that_key(asking: Visitor) -> None:
    first = made(asking, note="a program", expires_in=3600)
    opened = effective_principal(authenticate_key(made(Visitor(f"Apikey {first}"))))
    key = ApiKey.objects.get(first_eight=first[:8])
    assert (opened.key_id, opened.session, opened.expires) == (key.pk, None, key.expires)


@pytest.mark.parametrize(
    "other", [{"note": "display"}, {"expires_in": 61}, {"expires_in": None}], ids=str
)
def test_any_other_key_is_its_own_principal(asking: Visitor, other: dict[str, Any]) -> None:
    principal = authenticate_key(made(asking, **other))
    assert effective_principal(principal) == principal
    assert principal.key_id is not None
