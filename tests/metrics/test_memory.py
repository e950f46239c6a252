"""Counting in shared memory, and the text that is made of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.urls import resolve

from core.metrics import families
from core.metrics.exposition import exposition
from core.metrics.families import Counter, Gauge, Histogram, SiteGauge
from core.metrics.memory import CELLS, MetricMemory
from tests.metrics.scraping import Scrape
from tiledproject.http.endpoints import endpoint_of

WRITES = Counter("test_writes_total", 'Writes with a "quote"\\.', ("family",), (("table",),))
OPEN = Gauge("test_open", "Open.")
SECONDS = Histogram("test_seconds", "Seconds.", bounds=[0.1, 1.0])
BACKLOG = SiteGauge("test_backlog", "Waiting.")


@pytest.fixture
def memory() -> Iterator[MetricMemory]:
    """Provide memory for two workers; what this process counts otherwise is restored."""
    before = families.installed()
    yield MetricMemory.shared(2)
    families.install(before)


def exported() -> Scrape:
    return Scrape(exposition().decode())


def test_the_counts_of_all_workers_are_added_up(memory: MetricMemory) -> None:
    for row, seconds in enumerate((0.05, 0.5)):
        families.install(memory.of_row(row))
        WRITES.labels("array").add(3)
        OPEN.set(2)
        SECONDS.observe(seconds)
    found = exported()
    assert found.total("test_writes_total", family="array") == 6
    assert found.total("test_open") == 4
    buckets = [value for _, value in found.samples("test_seconds_bucket")]
    assert buckets == [1, 2, 2]
    assert found.total("test_seconds_sum") == pytest.approx(0.55)
    assert found.total("test_seconds_count") == 2


def test_a_new_worker_continues_the_counts_of_the_dead_one_but_not_its_state(
    memory: MetricMemory,
) -> None:
    families.install(memory.of_row(1))
    WRITES.labels("array").add(5)
    OPEN.set(7)
    for _ in range(1000):
        # A thousand deaths take no more room than one.
        families.install(memory.of_row(1))
        WRITES.labels("array").add()
    found = exported()
    assert found.total("test_writes_total", family="array") == 1005
    assert found.total("test_open") == 0
    assert len(found.samples("test_writes_total", family="array")) == 1


def test_of_a_fact_about_the_site_the_newest_value_counts(memory: MetricMemory) -> None:
    families.install(memory.of_row(0))
    assert not exported().samples("test_backlog"), "unknown, and not 0"
    BACKLOG.set(9)
    families.install(memory.of_row(1))
    BACKLOG.set(4)
    assert exported().total("test_backlog") == 4


def test_known_labels_are_exported_from_the_start_and_any_text_is_escaped(
    memory: MetricMemory,
) -> None:
    families.install(memory)
    WRITES.labels('a"b\\c\nd').add()
    found = exported()
    assert found.samples("test_writes_total", family="table") == [({"family": "table"}, 0)]
    parser = pytest.importorskip(
        "prometheus_client.parser", reason="requires the package prometheus_client"
    )
    (parsed,) = [
        one
        for one in parser.text_string_to_metric_families(found.text)
        if one.name == "test_writes"
    ]
    assert parsed.documentation == WRITES.text
    assert {one.labels["family"]: one.value for one in parsed.samples}['a"b\\c\nd'] == 1


def test_where_there_is_no_room_for_more_series_the_others_are_counted(
    memory: MetricMemory, caplog: pytest.LogCaptureFixture
) -> None:
    families.install(memory)
    for number in range(CELLS + 10):
        WRITES.labels(str(number)).add()
    assert "no room for more series" in caplog.text
    assert 0 < len(exported().samples("test_writes_total")) <= CELLS + 1


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="test_open is declared twice"):
        Counter("test_open", "Again.")


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/api/v1/array/full/scan/image", "array/full"),
        ("/api/v1/search/", "search"),
        ("/api/v1/auth/principal/a-uuid/apikey", "auth/principal/{uuid}/apikey"),
        ("/api/v1/search", "unknown"),
        ("/api/v1/", "about"),
        ("/api/v1/nothing/of/this", "unknown"),
        ("/api/v1/metrics", "metrics"),
        ("/admin/catalog/node/17/change/", "admin"),
        ("/zarr/v2/scan/image/.zarray", "zarr"),
        ("/", "landing"),
        ("/healthz", "healthz"),
    ],
)
def test_an_endpoint_has_no_path_of_a_node(path: str, endpoint: str) -> None:
    assert endpoint_of(resolve(path)) == endpoint


def test_a_request_that_was_not_resolved_has_an_unknown_endpoint() -> None:
    assert endpoint_of(None) == "unknown"
