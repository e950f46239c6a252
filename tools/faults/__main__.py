"""Run scenarios by hand: `python -m tools.faults SCENARIO... [--seconds 60]`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from .report import Report, table
from .run import judge, run
from .scenarios import SCENARIOS, Scenario
from .world import Plan, world

# Parts that any scenario may have.
PARTS = {
    "balancer": "connect through HAProxy",
    "bucket": "store data in SeaweedFS",
    "pooler": "use PostgreSQL through PgBouncer",
    "sentinels": "use a Redis that Sentinels watch",
}


def main() -> None:
    """Run the scenarios one after another; the exit code says whether all promises were kept."""
    options = _options()
    reports: dict[str, Report] = {}
    if options.judge:
        reports[options.judge.name] = judge(options.judge)
    else:
        for name in options.scenarios or SCENARIOS:
            record = options.record and options.record / name
            try:
                with world(_plan(SCENARIOS[name], options)) as one:
                    reports[name] = run(
                        one, name, options.seconds, record=record, producers=options.ingest
                    )
            except pytest.skip.Exception as reason:
                print(f"{name}: skipped, {reason}")
                continue
            print(table({name: reports[name]}), flush=True)
    if len(reports) != 1 or options.judge:
        print(table(reports))
    sys.exit(any(report.problems for report in reports.values()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--servers", type=int, help="instead of the number of the scenario")
    parser.add_argument(
        "--ingest", type=int, default=0, metavar="N", help="also write over N ingest connections"
    )
    for name, text in PARTS.items():
        parser.add_argument(f"--{name}", action="store_true", help=text)
    parser.add_argument(
        "--record", type=Path, metavar="FOLDER", help="write all writes and deliveries there"
    )
    parser.add_argument(
        "--judge", type=Path, metavar="FOLDER", help="judge a run by its record, and run nothing"
    )
    return parser.parse_args()


def _plan(scenario: Scenario, options: argparse.Namespace) -> Plan:
    plan = scenario.plan
    more = {name: True for name in PARTS if getattr(options, name)}
    return replace(plan, servers=options.servers or plan.servers, **more)


if __name__ == "__main__":
    main()
