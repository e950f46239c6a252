"""The names of metrics in alerts, dashboard and documentation are those that a server exports."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.metrics.scraping import metrics_of
from tests.servers import PROJECT, RunningServer
from tiledproject.postgresql import pool_metrics

RULES = PROJECT / "deploy" / "prometheus" / "tiled-stream.rules.yml"
DASHBOARD = PROJECT / "deploy" / "grafana" / "dashboards" / "tiled-stream.json"
GUIDE = PROJECT / "docs" / "how-to" / "monitor.md"
REFERENCE = PROJECT / "docs" / "reference" / "metrics.md"
NAME = re.compile(r"\btiled_\w+")
# Exported by servers with PostgreSQL only.
POOL = {one.name for one in vars(pool_metrics).values() if hasattr(one, "label_names")}


@pytest.fixture(scope="module")
def exported(server: RunningServer) -> set[str]:
    """Return the names of all samples and families that a real server exports."""
    families = metrics_of(server).families
    parts = [
        f"{name}{suffix}"
        for name, kind in families.items()
        if kind == "histogram"
        for suffix in ("_bucket", "_sum", "_count")
    ]
    return {*families, *parts, *POOL}


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard, without the headings of rows."""
    document = json.loads(DASHBOARD.read_text())
    return [one for one in document["panels"] if one["type"] != "row"]


def alerts() -> list[dict[str, Any]]:
    """Return the alerts."""
    document = yaml.safe_load(RULES.read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def test_alerts_and_dashboard_use_metrics_that_exist(exported: set[str]) -> None:
    queries = [alert["expr"] for alert in alerts()]
    queries += [target["expr"] for panel in panels() for target in panel["targets"]]
    used = {name for query in queries for name in NAME.findall(query)}
    assert used <= exported, used - exported
    assert len(used) > 40


def test_the_reference_has_each_exported_metric_and_no_other(exported: set[str]) -> None:
    table = REFERENCE.read_text().partition("<!-- made from the code")[2]
    named = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    families = {name for name in exported if not re.search(r"_(bucket|sum|count)$", name)}
    assert named == families


def test_the_guide_explains_each_alert_and_each_panel(exported: set[str]) -> None:
    guide = GUIDE.read_text()
    assert re.findall(r"^### (\w+)$", guide, re.MULTILINE) == [one["alert"] for one in alerts()]
    shown = re.findall(r"^\| (.+\?) \| (.+) \|$", guide, re.MULTILINE)
    assert shown == [(one["title"], one["description"]) for one in panels()]
    assert {name for name in NAME.findall(guide) if name != "tiled_stream"} <= exported
    for alert in alerts():
        place, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert (PROJECT / place, anchor) == (GUIDE, alert["alert"].lower())


def test_each_exported_metric_is_shown_on_the_dashboard(exported: set[str]) -> None:
    queries = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAME.findall(queries)}
    families = {name for name in exported if not re.search(r"_(bucket|sum|count)$", name)}
    assert families - shown == set()


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="requires promtool (Debian's package prometheus)"
)
@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "rules", "tiled-stream.rules.yml"],
        ["test", "rules", "tiled-stream.rules.test.yml"],
        ["check", "config", "--syntax-only", "prometheus.yml"],
    ],
)
def test_promtool_accepts_rules_and_configuration(arguments: list[str]) -> None:
    done = _promtool(RULES.parent, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(
    not shutil.which("promtool"), reason="requires promtool (Debian's package prometheus)"
)
def test_promtool_accepts_the_metrics(server: RunningServer) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=metrics_of(server).text,
        capture_output=True,
        text=True,
        timeout=60,
    )
    # Tiled's names: two have units that promtool would write in another way.
    assert "error while linting" not in done.stderr
    assert done.returncode in (0, 3), done.stderr


def _promtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, timeout=60
    )
