"""Dangerous set-ups are found, and the documented one is none."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from access.config import AccessPolicy
from access.providers import DjangoProvider
from tests.servers import PROJECT, manage
from tiledproject.checks import problems
from tiledproject.config import Settings

PAGE = PROJECT / "docs/how-to/run-in-production.md"
USERS = [DjangoProvider(provider="local", kind="django")]


@pytest.fixture
def safe(tmp_path: Path) -> Settings:
    """Settings about which there is nothing to say."""
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    (tmp_path / "data").mkdir()
    site = settings.TILED
    return with_settings(
        site,
        server={"tls": True, "allowed_hosts": ["h"], "host": "127.0.0.1", "data_folder": own},
        storage={"directory": own / "storage", "readable": [tmp_path / "data"]},
        authentication={"single_user_api_key": "a1b2c3d4e5f6a7b8c9d0e1f2"},
    )


def with_settings(site: Settings, **sections: dict[str, Any]) -> Settings:
    changed = {
        name: getattr(site, name).model_copy(update=values) for name, values in sections.items()
    }
    return site.model_copy(update=changed)


def test_the_documented_settings_leave_nothing_to_be_said(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    data = tmp_path / "data"
    data.mkdir()
    config = tmp_path / "tiled.yml"
    text = (
        found[1].replace("/srv/tiled", str(tmp_path / "own")).replace("/data/beamline", str(data))
    )
    config.write_text(text)
    checked = manage(
        tmp_path / "own",
        *("check", "--deploy", "--fail-level", "WARNING"),
        TILED_CONFIG=str(config),
        TILED_STREAMING_CACHE_URI="",
    )
    assert checked.returncode == 0, checked.stderr
    assert "no issues (2 silenced)" in checked.stdout


@pytest.mark.parametrize(
    ("sections", "ids"),
    [
        ({}, []),
        ({"storage": {"readable": [Path("/")]}}, ["E001"]),
        ({"storage": {"readable": [PROJECT]}}, ["E002"]),
        ({"storage": {"readable": [PROJECT / "catalog"]}}, []),
        ({"authentication": {"single_user_api_key": "secret"}}, ["E003"]),
        ({"server": {"trusted_proxies": [ipaddress.ip_network("0.0.0.0/0")]}}, ["E006"]),
        ({"server": {"trusted_proxies": [ipaddress.ip_network("::/0")]}}, ["E006"]),
        ({"server": {"tls": False}}, ["W001"]),
        ({"server": {"host": "0.0.0.0"}}, ["W002"]),
        ({"server": {"allowed_hosts": []}}, ["W003"]),
        ({"server": {"allow_origins": ["*"]}}, ["W004"]),
        ({"server": {"allow_origins": ["http://h", "https://h"]}}, ["W005"]),
        ({"authentication": {"access_policy": AccessPolicy.tags}}, ["W006"]),
        (
            {"authentication": {"providers": USERS, "allow_anonymous_access": True}},
            ["W007"],
        ),
    ],
)
def test_each_danger_has_an_id(safe: Settings, sections: Any, ids: list[str]) -> None:
    assert [found.id for found in problems(with_settings(safe, **sections))] == [
        f"tiled.{name}" for name in ids
    ]


def test_what_others_may_read_or_change_is_found(safe: Settings) -> None:
    own = safe.server.data_folder
    (own / "api_key").write_text("key")
    (own / "api_key").chmod(0o640)
    own.chmod(0o770)
    assert [found.id for found in problems(safe)] == ["tiled.E004", "tiled.E005"]
    (own / "api_key").chmod(0o600)
    own.chmod(0o750)
    assert problems(safe) == []
