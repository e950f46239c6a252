"""What is acknowledged is kept and streamed once, while the server's surroundings fail.

In full, and with more kinds of faults, by hand: `make faults SCENARIO=kill_all`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tools.backends.postgresql_cluster import postgresql_here
from tools.faults.journal import END, WRITES, end_of, lines
from tools.faults.producers import TARGETS
from tools.faults.run import judge, run
from tools.faults.scenarios import SCENARIOS
from tools.faults.tampering import Tampering
from tools.faults.world import World, world
from tools.faults.writers import NUMBERS, WRITERS

pytestmark = pytest.mark.skipif(
    not postgresql_here(), reason="no PostgreSQL binaries in /usr/lib/postgresql"
)


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world() as made:
        yield made


# Twelve faults, and two: the second kills a worker that has just begun.
@pytest.mark.parametrize(("scenario", "seconds"), [("end_sessions", 6.0), ("kill_worker", 7.0)])
def test_what_is_acknowledged_is_kept_and_streamed_once(
    here: World, scenario: str, seconds: float
) -> None:
    report = run(here, scenario, seconds)
    assert report.acknowledged > 20
    assert report.problems == []


def test_producers_over_the_ingest_endpoint_lose_nothing_and_double_nothing(
    here: World, tmp_path: Path
) -> None:
    report = run(here, "kill_worker", 7.0, record=tmp_path, producers=2)
    assert report.problems == []
    assert judge(tmp_path) == report
    # Numbers of producers come after those of the other writers.
    sent = [one for one in lines(tmp_path, WRITES) if one["number"] > (len(WRITERS) + 1) * NUMBERS]
    assert {one["name"] for one in sent if one["acknowledged"]} == set(TARGETS)

    end = end_of(tmp_path)
    (_, lost), (_, doubled), *rest = end["stored"]["frames"]
    end["stored"]["frames"] = [("", doubled), ("", doubled), *rest]
    (tmp_path / END).write_text(json.dumps(end))
    found = str(judge(tmp_path).problems)
    assert f"frames: {doubled} is stored 2 times" in found
    assert f"frames: {lost} " in found


# Two faults or three. The second loses packets without a word, the third kills a Redis.
@pytest.mark.parametrize("scenario", ["kill_behind_balancer", "lose_redis", "kill_primary"])
def test_several_servers_behind_a_balancer_keep_what_is_acknowledged(
    scenario: str, tmp_path: Path
) -> None:
    with world(replace(SCENARIOS[scenario].plan, servers=2)) as several:
        report = run(several, scenario, 9.0, record=tmp_path)
    assert report.acknowledged > 20
    assert report.problems == []
    assert judge(tmp_path) == report


@pytest.mark.parametrize(("copies", "sentence"), [(0, "are missing"), (2, "came again")])
def test_the_checker_sees_an_update_that_is_dropped_or_doubled(
    here: World, copies: int, sentence: str
) -> None:
    proxy = Tampering(here.server.port, at=9, copies=copies)
    report = run(here, "calm", 3, uri=proxy.uri, quiet=1)
    proxy.close()
    assert any(sentence in problem.text for problem in report.problems), report
