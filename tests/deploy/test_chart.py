"""The Helm chart: linted, rendered, and its manifests validated with the schemas of Kubernetes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers import PROJECT
from tiledproject.config.settings_model import load

CHART = PROJECT / "deploy" / "helm" / "tiled-stream"
PYTHON = PROJECT / ".venv" / "extra-deploy" / "bin" / "python"
RENDER = Path(__file__).parent / "render_chart.py"
EVERYTHING = yaml.safe_load((CHART / "ci" / "values.yaml").read_text())
LEAST = {"database": {"existingSecret": "d"}, "cache": {"existingSecret": "c"}}
CASES = {
    "everything": EVERYTHING,
    "least": LEAST,
    "one pod": {**LEAST, "replicas": 1, "storage": {"accessModes": ["ReadWriteOnce"]}},
    "no database": {"cache": {"existingSecret": "c"}},
    "unknown value": {**LEAST, "replicaCount": 3},
    "several pods on one claim": {**LEAST, "storage": {"accessModes": ["ReadWriteOnce"]}},
}


@pytest.fixture(scope="module")
def charts() -> dict[str, Any]:
    """What each case is rendered to."""
    if not PYTHON.exists():
        pytest.skip("the environment of Helm's SDK is not there: bash .ci/extra deploy")
    command = [str(PYTHON), str(RENDER), str(CHART)]
    given = json.dumps(list(CASES.values()))
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


def manifest(chart: dict[str, Any], kind: str) -> Any:
    [found] = [one for one in chart["manifests"] if one["kind"] == kind]
    return found


@pytest.mark.parametrize("case", ["everything", "least", "one pod"])
def test_the_chart_is_valid(charts: dict[str, Any], case: str) -> None:
    assert charts[case]["errors"] == []
    assert charts[case]["manifests"]


@pytest.mark.parametrize(
    ("case", "text"),
    [
        ("no database", "database.existingSecret"),
        ("unknown value", "replicaCount"),
        ("several pods on one claim", "ReadWriteMany"),
    ],
)
def test_wrong_values_are_refused_with_their_name(
    charts: dict[str, Any], case: str, text: str
) -> None:
    assert any(text in error for error in charts[case]["errors"])


def test_the_settings_of_the_chart_are_those_of_the_server(
    charts: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / "tiled.yml"
    path.write_text(manifest(charts["everything"], "ConfigMap")["data"]["tiled.yml"])
    server = load({"TILED_CONFIG": str(path)}).server
    assert (server.root_path, server.tls) == ("/tiled", True)
    assert server.allowed_hosts == ["tiled.example.org"]
    [container] = manifest(charts["everything"], "Deployment")["spec"]["template"]["spec"][
        "containers"
    ]
    # No setting of the environment is unknown.
    load({one["name"]: "k" * 40 for one in container["env"] if "KEY" in one["name"]})


def test_pods_are_ready_and_alive_apart_and_may_be_disrupted_one_by_one(
    charts: dict[str, Any],
) -> None:
    deployment = manifest(charts["everything"], "Deployment")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert deployment["spec"]["replicas"] == 2
    assert manifest(charts["everything"], "PodDisruptionBudget")["spec"]["minAvailable"] == 1
    assert "PodDisruptionBudget" not in {one["kind"] for one in charts["one pod"]["manifests"]}


def test_the_ingress_leaves_bodies_and_silent_websockets_alone(charts: dict[str, Any]) -> None:
    ingress = manifest(charts["everything"], "Ingress")
    notes = ingress["metadata"]["annotations"]
    assert notes["nginx.ingress.kubernetes.io/proxy-body-size"] == "0"
    assert int(notes["nginx.ingress.kubernetes.io/proxy-read-timeout"]) >= 3600
    [rule] = ingress["spec"]["rules"]
    assert rule["http"]["paths"][0]["path"] == "/tiled"
    assert "https://tiled.example.org/tiled/" in charts["everything"]["notes"]
