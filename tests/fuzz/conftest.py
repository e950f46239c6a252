"""An empty catalog, and a site with users."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from catalog.models import Node
from tests.access.conftest import LOCAL, Visitor, with_authentication

NAME, PASSWORD = "ada", "engine"


@dataclass
class People:
    """An administrator, who logs in again when the session has ended."""

    known: dict[str, list[Any]] = field(default_factory=dict)
    _headers: dict[str, str] = field(default_factory=dict)

    def headers(self) -> dict[str, str]:
        """Return valid credentials."""
        if not self._headers or Visitor(**self._headers).status("GET", "/auth/whoami") != 200:
            self._log_in()
        return self._headers

    def _log_in(self) -> None:
        answer = Visitor().log_in(NAME, PASSWORD)
        assert answer.status_code == 200, answer.content
        tokens = orjson.loads(answer.content)
        self._headers = {"authorization": f"Bearer {tokens['access_token']}"}
        visitor = Visitor(**self._headers)
        principal = visitor.json("GET", "/auth/whoami")
        key = visitor.json("POST", "/auth/apikey", {"scopes": None, "expires_in": None})
        self.known.update(
            uuid=[principal["uuid"]],
            session_id=[session["uuid"] for session in principal["sessions"]],
            provider=[LOCAL["provider"], "no"],
            first_eight=[key["first_eight"], "00000000"],
            role=["user", "admin"],
            body=[
                {"username": NAME, "password": PASSWORD},
                {"username": NAME, "password": "no", "grant_type": "password"},
                {"refresh_token": tokens["refresh_token"]},
                {"scopes": ["read:data"], "expires_in": 60.0, "note": "x", "access_tags": None},
                {"scopes": None, "expires_in": 1e300},
            ],
        )


@pytest.fixture
def catalog(transactional_db: None) -> None:
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})


@pytest.fixture
def people(catalog: None, settings: Settings) -> People:
    with_authentication(settings, providers=[LOCAL])
    User.objects.create_superuser(NAME, password=PASSWORD)
    found = People()
    found.headers()
    return found
