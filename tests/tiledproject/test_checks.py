"""Dangerous set-ups are found, and the documented one is none."""

from __future__ import annotations

import ipaddress
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from access.config import AccessPolicy
from access.providers import DjangoProvider
from catalog.storage.bucket_files.paths import ObjectPath
from tests.servers import PROJECT, manage
from tiledproject.checks import problems
from tiledproject.config.directories import create_directories
from tiledproject.config.errors import ConfigError
from tiledproject.config.settings_model import Settings, load
from tiledproject.start_checks import refuse_to_start

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
        server={"tls": True, "allowed_hosts": ["h"], "host": "127.0.0.1", "data_dir": own},
        storage={"directory": own / "storage", "readable": [tmp_path / "data"]},
        authentication={"single_user_api_key": "a1b2c3d4e5f6a7b8c9d0e1f2"},
    )


def test_old_names_of_settings_are_reported() -> None:
    found = problems(load({"TILED_SERVER_LARGEST_BODY": "2000000"}))
    assert [one.msg for one in found if one.id == "tiled.W011"] == [
        "The setting server.largest_body (from TILED_SERVER_LARGEST_BODY) is deprecated; "
        "write server.max_body_bytes instead."
    ]


def test_each_check_has_an_id_of_its_own_and_a_line_on_the_page() -> None:
    ids = re.findall(r'id="tiled\.([EW]\d+)"', (PROJECT / "tiledproject/checks.py").read_text())
    assert len(ids) == len(set(ids))
    assert set(ids) <= set(re.findall(r"`(?:tiled\.)?([EW]\d+)`", PAGE.read_text()))


def with_settings(site: Settings, **sections: dict[str, Any]) -> Settings:
    changed = {
        name: getattr(site, name).model_copy(update=values) for name, values in sections.items()
    }
    return site.model_copy(update=changed)


def test_the_documented_settings_pass_all_checks(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    data = tmp_path / "data"
    data.mkdir()
    config = tmp_path / "tiled.yml"
    text = (
        found[1].replace("/srv/tiled", str(tmp_path / "own")).replace("/data/beamline", str(data))
    )
    config.write_text(text)
    config.chmod(0o640)
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
        ({"storage": {"readable": [ObjectPath.of("s3", "b")], "uri": "s3://b/site"}}, ["E002"]),
        ({"storage": {"readable": [ObjectPath.of("s3", "b", "site2")], "uri": "s3://b/site"}}, []),
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


def test_files_that_other_users_can_read_or_change_are_reported(safe: Settings) -> None:
    own = safe.server.data_dir
    (own / "api_key").write_text("key")
    (own / "api_key").chmod(0o640)
    own.chmod(0o770)
    assert [found.id for found in problems(safe)] == ["tiled.E004", "tiled.E005", "tiled.W008"]
    (own / "api_key").chmod(0o600)
    own.chmod(0o750)
    assert [found.id for found in problems(safe)] == ["tiled.W008"]
    own.chmod(0o700)
    assert problems(safe) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("server: {port: 1}", ""),
        ("database: {uri: postgresql://tiled@h/tiled}", ""),
        ("database: {uri: postgresql://tiled:password@h/tiled}", "database.uri"),
        ("streaming_cache: {uri: redis://:password@h}", "streaming_cache.uri"),
        ("server: {secret_key: k}", "server.secret_key"),
        (
            "authentication: {secret_keys: [k], providers: [{provider: p, client_secret: s}]}",
            "authentication.secret_keys, authentication.providers",
        ),
        ('streaming_cache: {uri: "redis://a,redis://:p@b"}', "streaming_cache.uri"),
        ('streaming_cache: {uri: ["redis://a", "redis://:p@b"]}', "streaming_cache.uri"),
    ],
)
def test_keys_in_a_configuration_file_that_all_may_read_are_found(
    safe: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, names: str
) -> None:
    config = tmp_path / "tiled.yml"
    config.write_text(text)
    config.chmod(0o644)
    monkeypatch.setenv("TILED_CONFIG", str(config))
    found = problems(safe)
    assert [(one.id, names in one.msg) for one in found] == [("tiled.W010", True)] * bool(names)
    config.chmod(0o640)
    assert problems(safe) == []


@pytest.mark.parametrize(
    ("sections", "refused"),
    [
        ({"storage": {"readable": [Path("/")]}}, "E001"),
        ({"storage": {"readable": [PROJECT.parent]}}, "E002"),
        ({"authentication": {"single_user_api_key": "secret"}}, None),
        (
            {"authentication": {"single_user_api_key": "secret"}, "server": {"host": "0.0.0.0"}},
            "E003",
        ),
        # A proxy on this machine brings clients from everywhere.
        ({"authentication": {"single_user_api_key": "secret"}, "server": {"tls": True}}, "E003"),
        ({"server": {"trusted_proxies": [ipaddress.ip_network("0.0.0.0/0")]}}, "E006"),
        (
            {
                "server": {"silenced_checks": ["tiled.E001"]},
                "storage": {"readable": [Path("/")]},
            },
            None,
        ),
        ({"server": {"allowed_hosts": []}}, None),
    ],
)
def test_errors_refuse_a_start_and_warnings_do_not(
    safe: Settings, sections: dict[str, dict[str, Any]], refused: str | None
) -> None:
    sections = {**sections, "server": {"tls": False, **sections.get("server", {})}}
    site = with_settings(safe, **sections)
    if refused is None:
        refuse_to_start(site, site.server.host)
        return
    with pytest.raises(ConfigError, match=f"tiled.{refused}") as refusal:
        refuse_to_start(site, site.server.host)
    assert "\n" not in str(refusal.value)


def test_files_with_keys_count_as_the_servers_own(
    safe: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "site.yml").touch()
    monkeypatch.setenv("TILED_CONFIG", str(tmp_path / "data" / "site.yml"))
    assert [found.id for found in problems(safe)] == ["tiled.E002"]
    monkeypatch.delenv("TILED_CONFIG")
    uri = f"sqlite:///{tmp_path / 'data' / 'nodes.db'}"
    site = with_settings(safe, database={"uri": uri})
    assert [found.id for found in problems(site)] == ["tiled.E002"]


@pytest.mark.parametrize(
    ("arguments", "values", "id_"),
    [
        (["serve", "--port", "0"], {"TILED_STORAGE_READABLE": "/"}, "tiled.E001"),
        (["serve", "--port", "0", "--host", "0.0.0.0"], {}, "tiled.E003"),
        (["runserver", "0"], {"TILED_STORAGE_READABLE": "/"}, "tiled.E001"),
        (["runserver", "0.0.0.0:0", "--noreload"], {}, "tiled.E003"),
    ],
)
def test_both_servers_refuse_to_start(
    tmp_path: Path, arguments: list[str], values: dict[str, str], id_: str
) -> None:
    refused = manage(tmp_path, *arguments, TILED_SINGLE_USER_API_KEY="secret", **values)
    assert refused.returncode == 1
    assert refused.stderr.endswith(f"({id_})\n")
    assert refused.stderr.count("\n") == 1


def test_files_with_secrets_are_closed_to_others(safe: Settings) -> None:
    own = safe.server.data_dir
    site = with_settings(safe, database={"uri": f"sqlite:///{own / 'catalog.db'}"})
    (own / "secret_key").write_text("key")
    (own / "secret_key").chmod(0o644)
    create_directories(site)
    with sqlite3.connect(own / "catalog.db") as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (c)")
        modes = {path.name: path.stat().st_mode & 0o777 for path in own.glob("*")}
    connection.close()
    assert modes.pop("storage") == 0o700
    assert set(modes) == {"secret_key", "catalog.db", "catalog.db-wal", "catalog.db-shm"}
    assert set(modes.values()) == {0o600}
