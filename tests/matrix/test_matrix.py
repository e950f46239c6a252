"""Whatever can be declared: its values are read back, or it is refused in a sentence.

Each Arrow type, numpy dtype, awkward form and ragged shape is declared, written, appended to, read
in every format, streamed in both envelopes, looked at in the admin and as Zarr, and exported with
the container that it lies in. No operation may fail (5xx), crash, or bring other values. With
MATRIX set in the environment (`make matrix`), each Arrow type is looked at within each other one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings

from tests.servers import own_database

from .cases import groups
from .operations import EQUAL, REFUSED
from .site_process import Process, started


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A process with a site of its own, forked for each group of cases."""
    cache = settings.TILED.streaming_cache
    folder = tmp_path_factory.mktemp("matrix")
    streams = {
        "TILED_STREAMING_CACHE_URI": cache.uri,
        "TILED_STREAMING_CACHE_PREFIX": f"{cache.prefix}-{folder.name}",
    }
    with own_database() as database, started(folder, {**streams, **database}) as made:
        yield made


@pytest.mark.parametrize("group", list(groups()))
def test_values_are_read_back_or_refused(process: Process, group: str) -> None:
    outcomes = process.outcomes(group)
    cases = set(groups()[group][1])
    assert cases <= {outcome["case"] for outcome in outcomes}
    wrong = [outcome for outcome in outcomes if outcome["what"] not in {EQUAL, REFUSED}]
    said = [f"{o['case']}, {o['operation']}: {o['what']}: {o['detail']}" for o in wrong]
    assert not wrong, "\n".join(said)
