"""Lint and render a Helm chart, and validate its manifests: `render_chart.py CHART`.

Reads a list of values from standard input, and prints a list as JSON: for each of them the `errors`
and the `manifests`. Runs with the SDK of Helm 4 in `.venv/extra-deploy` (`.ci/extra deploy`).
"""

import json
import sys

import kubernetes_validate
import yaml
from helm_python import Chart, HelmError, chart

VERSIONS = ("1.27", "1.34")
# Of the Prometheus Operator, not of Kubernetes.
FOREIGN = {"ServiceMonitor"}


def rendered(folder, values):
    """Return errors of lint, rendering and schemas, and the manifests."""
    report = chart.lint(folder, values, strict=True)
    errors = [one["error"] for one in report["messages"] if one["severity"] > 1]
    try:
        with Chart.load(folder) as loaded:
            texts = loaded.render(values, name="tiled", namespace="beamline")
    except HelmError as error:
        return {"errors": [*errors, str(error)], "manifests": [], "notes": ""}
    manifests = []
    for name, text in texts.items():
        if name.endswith(".yaml"):
            manifests += [one for one in yaml.safe_load_all(text) if one]
    for manifest in manifests:
        errors += validated(manifest)
    notes = "".join(text for name, text in texts.items() if name.endswith("NOTES.txt"))
    return {"errors": errors, "manifests": manifests, "notes": notes}


def validated(manifest):
    """Yield what the schemas of Kubernetes find, unknown fields included."""
    for version in VERSIONS if manifest["kind"] not in FOREIGN else ():
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{manifest['kind']} ({version}): {error.message}"


if __name__ == "__main__":
    print(json.dumps([rendered(sys.argv[1], values) for values in json.load(sys.stdin)]))
