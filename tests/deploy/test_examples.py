"""The files in `deploy/`: the unit of systemd, compose, and what they refer to."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import PROJECT
from tiled_client.version import __version__
from tiledproject.config.settings_model import load

DEPLOY = PROJECT / "deploy"
COMPOSE = DEPLOY / "compose.yml"
# Out of 100: `systemd-analyze security` calls up to 20 "OK".
MOST_EXPOSED = 20


def test_the_unit_of_systemd_is_confined() -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    unit = DEPLOY / "systemd" / "tiled-stream.service"
    command = [program, "security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(COMPOSE.read_text())


def test_each_service_of_compose_has_a_health_check(compose: dict[str, Any]) -> None:
    without = {
        name for name, service in compose["services"].items() if "healthcheck" not in service
    }
    # The image has its own.
    assert without == {"server"}
    assert re.search(r"^HEALTHCHECK ", (PROJECT / "Containerfile").read_text(), re.MULTILINE)


def test_what_compose_mounts_exists_and_its_secrets_are_made(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copy(DEPLOY / "make-secrets", tmp_path)
    for _ in range(2):
        subprocess.run([tmp_path / "make-secrets"], check=True, capture_output=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {name: f"secrets/{name}" for name in made} == {
        name: secret["file"] for name, secret in compose["secrets"].items()
    }
    assert made["database_password"] in made["database_uri"]
    # The second run has changed nothing, and no two secrets are the same.
    assert len(set(made.values())) == len(made)
    for service in compose["services"].values():
        assert set(service.get("secrets", [])) <= made.keys()
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), volume


def test_the_settings_in_compose_and_the_secrets_are_accepted(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    shutil.copy(DEPLOY / "make-secrets", tmp_path)
    subprocess.run([tmp_path / "make-secrets"], check=True, capture_output=True)
    given = {"TILED_SERVER_DATA_DIR": str(tmp_path)}
    for name, value in compose["services"]["server"]["environment"].items():
        default = re.fullmatch(r"\$\{\w+:-(.*)\}", str(value))
        text = default[1] if default else str(value)
        given[name] = text.replace("/run/secrets", str(tmp_path / "secrets"))
    site = load(given)
    password = (tmp_path / "secrets" / "database_password").read_text()
    assert site.database.uri == f"postgresql://tiled:{password}@database/tiled"
    assert site.authentication.single_user_api_key == (tmp_path / "secrets/api_key").read_text()


def test_all_distributions_have_one_version() -> None:
    chart = yaml.safe_load((DEPLOY / "helm" / "tiled-stream" / "Chart.yaml").read_text())
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    package = PROJECT / "web" / "static" / "web" / "tiled-stream-client" / "package.json"
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert chart["version"] == chart["appVersion"] == str(citation["version"]) == __version__
    assert yaml.safe_load(package.read_text())["version"] == __version__
    assert f"tiled-client=={__version__}" in project["dependencies"]


@pytest.mark.parametrize(
    "path", sorted((PROJECT / ".github").rglob("*.yml")), ids=lambda path: path.name
)
def test_files_of_the_forge_call_what_the_project_has(path: Path) -> None:
    text = path.read_text()
    assert isinstance(yaml.safe_load(text), dict)
    targets = set(re.findall(r"^([\w-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"run: make ([\w-]+)", text)) <= targets
    for script in re.findall(r"bash (\.ci/[\w-]+)", text):
        assert (PROJECT / script).is_file()
