"""Run scenarios by hand: `python -m tools.faults SCENARIO... [--seconds 60]`."""

from __future__ import annotations

import argparse
import sys

import pytest

from .scenarios import SCENARIOS, run


def main() -> None:
    """Run the scenarios one after another; the exit code says whether all promises were kept."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], default=list(SCENARIOS))
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    failed = False
    for name in options.scenarios:
        try:
            with SCENARIOS[name].world() as one:
                report = run(one, name, options.seconds)
        except pytest.skip.Exception as reason:
            print(f"{name}: skipped, {reason}")
            continue
        failed = failed or bool(report.problems)
        print(
            f"{name}: {report.acknowledged} acknowledged, {report.updates} updates, "
            f"{report.told} announced as missing, statuses {report.statuses}, "
            f"{len(report.problems)} problems",
            flush=True,
        )
        for problem in report.problems[:20]:
            print(f"  {problem}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
