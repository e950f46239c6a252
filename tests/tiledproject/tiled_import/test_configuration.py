"""Convert configurations of Tiled to settings that this server accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tiledproject.config.settings_model import load
from tiledproject.tiled_import.configuration.conversion import convert, write_settings
from tiledproject.tiled_import.configuration.reading import read_configuration
from tiledproject.tiled_import.errors import ImportRefused

TILED = """
authentication:
  allow_anonymous_access: true
  access_token_max_age: 600
  secret_keys: [short]
  providers:
    - provider: orcid
      authenticator: tiled.authenticators:OIDCAuthenticator
      args:
        client_id: APP-1
        client_secret: ${ORCID_SECRET}
        audience: APP-1
        well_known_uri: https://orcid.example.org/.well-known/openid-configuration
        confirmation_message: "You are {id}."
    - provider: machine
      authenticator: tiled.authenticators:PAMAuthenticator
  tiled_admins: [{provider: orcid, id: "0000-0001"}]
database: {uri: "postgresql://db.example.org/authn", pool_size: 20}
access_control:
  access_policy: "tiled.access_control.access_policies:TagBasedAccessPolicy"
  args: {provider: orcid}
catalog:
  uri: postgresql://db.example.org/catalog
  writable_storage:
    - "file://localhost@FOLDER@/a"
    - "postgresql://rows:secret@db.example.org/rows"
    - {provider: s3, uri: "https://s3.example.org/bucket", config: {}}
  readable_storage: ["@FOLDER@/b"]
  adapters_by_mimetype: {application/x-spe: "beamline.spe:SPEAdapter"}
  top_level_access_tags: [open]
  metadata: {facility: FXI}
response_bytesize_limit: 1000000
allow_origins: ["https://viewer.example.org"]
reject_undeclared_specs: true
specs: [{spec: xas}, {spec: checked, validator: "facility.specs:check"}]
uvicorn: {host: 0.0.0.0, port: 9000, workers: 2, forwarded_allow_ips: 10.0.0.1, ssl_keyfile: k}
streaming_cache: {uri: "redis://redis.example.org:6379", data_ttl: 600, socket_timeout: 5}
routers: ["facility.pages:router"]
media_types: {array: {application/x-mine: "facility.export:mine"}}
webhooks: {allow_http: true}
invented: 1
"""


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ORCID_SECRET", "from-the-environment")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    path = tmp_path / "tiled.yml"
    path.write_text(TILED.replace("@FOLDER@", str(tmp_path)))
    return path


def test_settings_are_converted_and_accepted(configured: Path, tmp_path: Path) -> None:
    converted = convert(read_configuration(configured))
    file = tmp_path / "settings.yml"
    write_settings(converted, file)
    assert file.stat().st_mode & 0o777 == 0o600
    settings = load({"TILED_CONFIG": str(file)})
    assert settings.storage.readable == [tmp_path / "a", tmp_path / "b"]
    assert settings.storage.tiled_adapters == {"application/x-spe": "beamline.spe:SPEAdapter"}
    assert settings.storage.response_bytesize_limit == 1_000_000
    assert (settings.server.host, settings.server.port, settings.server.workers) == (
        "0.0.0.0",
        9000,
        2,
    )
    assert [str(one) for one in settings.server.trusted_proxies] == ["10.0.0.1/32"]
    assert settings.streaming_cache.data_ttl == 600
    assert settings.specs.validators == {"xas": None, "checked": None}
    assert settings.specs.reject_undeclared
    authentication = settings.authentication
    assert authentication.access_policy == "tags"
    assert authentication.allow_anonymous_access
    orcid = authentication.oidc("orcid")
    assert orcid is not None
    assert orcid.issuer == "https://orcid.example.org"
    assert orcid.client_secret is not None
    assert orcid.client_secret.get_secret_value() == "from-the-environment"
    assert authentication.local is not None


def test_the_rest_is_told_and_used_by_the_import(configured: Path) -> None:
    converted = convert(read_configuration(configured))
    assert set(converted.unset) == {
        "authentication.secret_keys",
        "authentication.providers, machine",
        "authentication.providers, orcid",
        "catalog.writable_storage",
        "invented",
        "media_types",
        "routers",
        "specs, checked",
        "streaming_cache.socket_timeout",
        "uvicorn.ssl_*",
        "webhooks",
    }
    text = converted.text()
    assert "# - invented: unknown to this import" in text
    assert yaml.safe_load(text) == converted.settings
    assert converted.storages == ["postgresql://rows:secret@db.example.org/rows"]
    assert converted.admins == [("orcid", "0000-0001")]
    assert converted.tag_provider == "orcid"
    assert (converted.root_metadata, converted.root_tags) == ({"facility": "FXI"}, ["open"])


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "has no files"),
        ({"a.yml": "uvicorn: {}", "b.yml": "uvicorn: {}"}, "uvicorn is in two files"),
        ({"a.yml": "[1"}, "is not YAML"),
        ({"a.yml": "- 1"}, "has no settings"),
    ],
)
def test_a_folder_that_cannot_be_read_is_refused(
    tmp_path: Path, files: dict[str, str], problem: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ImportRefused, match=problem):
        read_configuration(tmp_path)


def test_files_of_a_folder_are_merged(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("allow_origins: [https://a.example.org]\nspecs: [{spec: a}]")
    (tmp_path / "b.yml").write_text("allow_origins: [https://b.example.org]\nspecs: [{spec: b}]")
    settings: dict[str, Any] = convert(read_configuration(tmp_path)).settings
    assert len(settings["server"]["allow_origins"]) == 2
    assert list(settings["specs"]["validators"]) == ["a", "b"]
