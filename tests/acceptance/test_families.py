"""Sparse, ragged and awkward arrays as users write them, with both clients in either role."""

from __future__ import annotations

import secrets

import pytest

from tests.servers import RunningServer

from .client_processes import OURS, TILED, ClientProcesses

CASES = [
    ("server", OURS, TILED),
    ("server", TILED, OURS),
    ("server", TILED, TILED),
    ("runserver", TILED, TILED),
]
EVENTS = "[{'x': 1, 'y': [1.5], 's': 'a'}, {'x': 2, 'y': [], 's': None}]"
S = {
    OURS: (
        "<SparseClient '/{key}/s' shape=(3, 4) chunks=((3,), (4,)) dtype=float64 dims=('y', 'x')>"
    ),
    TILED: "<SparseClient shape=(3, 4) chunks=((3,), (4,)) dims=['y', 'x']>",
}


@pytest.mark.parametrize("case", CASES, ids="{0[0]}: {0[1]} writes, {0[2]} reads".format)
def test_what_one_client_writes_the_other_reads(
    request: pytest.FixtureRequest, client_processes: ClientProcesses, case: tuple[str, str, str]
) -> None:
    name, writing, reading = case
    site: RunningServer = request.getfixturevalue(name)
    key = f"f{secrets.token_hex(4)}"
    writer, reader = (
        client_processes.process("writer", writing),
        client_processes.process("subscriber", reading),
    )
    writer.run("write_families", site.uri, key)
    writer.finishes(S[writing].format(key=key), "(3, None) ((2, 1), None) int64", EVENTS)
    reader.run("read_families", site.uri, key)
    reader.finishes(
        "['s', 'r', 'a']",
        "['y', 'x'] [[0.0, 3.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 5.0]]",
        "[[0.0, 0.0], [0.0, 5.0]] 2",
        "(3, None) [[1, 2], [3], [7, 8, 9]]",
        "[[3], [7, 8, 9]] [7, 8, 9] 8 [[1], [3]]",
        EVENTS,
        "[[1.5], []] [1, 2]",
    )
    reader.run("watch_families", site.uri, key)
    reader.finishes(
        "s sparse 2", "r ragged [[1, 2], [3], [7, 8, 9]]", f"a awkward {EVENTS}", "returned"
    )
