"""A site with users, in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from access.config import AuthenticationSettings
from catalog.models import Node

LOCAL = {"provider": "local", "kind": "django", "confirmation_message": "You are {id}."}


@dataclass
class Visitor:
    """A client of the API, with its Authorization header and cookies."""

    authorization: str | None = None
    client: Client = field(default_factory=lambda: Client(enforce_csrf_checks=True))

    def send(
        self, method: str, address: str, body: Any = None, media_type: str = "", **headers: str
    ) -> HttpResponse:
        if self.authorization:
            headers.setdefault("authorization", self.authorization)
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        return self.client.generic(
            method,
            f"/api/v1{address}",
            data,
            content_type=media_type or "application/json",
            headers=headers,
        )

    def json(self, method: str, address: str, body: Any = None) -> Any:
        response = self.send(method, address, body)
        assert response.status_code == 200, response.content
        return orjson.loads(response.content)

    def status(self, method: str, address: str, body: Any = None) -> int:
        return self.send(method, address, body).status_code

    def log_in(self, name: str, password: str, provider: str = "local") -> HttpResponse:
        form = f"grant_type=password&username={name}&password={password}".encode()
        address = f"/auth/provider/{provider}/token"
        return self.send("POST", address, form, "application/x-www-form-urlencoded")


def detail(response: HttpResponse) -> str:
    return str(orjson.loads(response.content)["detail"])


def with_authentication(settings: Settings, **authentication: Any) -> None:
    """Change the authentication settings of the site for this test."""
    requested = AuthenticationSettings(**authentication)
    settings.TILED = settings.TILED.model_copy(update={"authentication": requested})


@pytest.fixture
def site(db: None, settings: Settings) -> Settings:
    """A site with local users."""
    with_authentication(settings, providers=[LOCAL])
    Node.objects.get_or_create(path="", defaults={"key": "", "structure_family": "container"})
    return settings


@pytest.fixture
def alice(site: Settings) -> User:
    return User.objects.create_user("alice", password="wonderland")


@pytest.fixture
def admin(site: Settings) -> User:
    return User.objects.create_superuser("ada", password="engine")


def visitor(name: str, password: str) -> Visitor:
    """Return a client that has logged in."""
    response = Visitor().log_in(name, password)
    assert response.status_code == 200, response.content
    return Visitor(f"Bearer {orjson.loads(response.content)['access_token']}")
