"""A beamline that knows nothing of this server: bluesky writes runs, and watches them."""

from __future__ import annotations

import queue
import secrets
from collections import Counter
from pathlib import Path

import pytest

from tests.servers import RunningServer
from tiled_client import from_uri

from .client_processes import OURS, TILED, ClientProcesses

PATIENCE = 60.0


@pytest.mark.parametrize("name", ["server", "runserver"])
def test_runs_are_written_read_back_and_watched_live(
    request: pytest.FixtureRequest, client_processes: ClientProcesses, readable: Path, name: str
) -> None:
    site: RunningServer = request.getfixturevalue(name)
    key = f"b{secrets.token_hex(4)}"
    beamline, visitor = (
        client_processes.process("beamline", TILED),
        client_processes.process("visitor", TILED),
    )
    beamline.run("run_experiment", site.uri, key, readable)
    beamline.prints("ready to count")
    visitor.run("watch_experiment", site.uri, key, 14)
    visitor.prints("watching")
    told: queue.Queue[tuple[str, ...]] = queue.Queue()
    ours = from_uri(site.uri, api_key=site.api_key)[key].subscribe(recursive=True)
    ours.new_data.add_callback(lambda update: told.put(update.path[-2:]))
    ours.start_in_thread(0)
    beamline.say()
    beamline.finishes(
        "count success {'det': (3,)}",
        "scan success {'det1': (5,), 'motor': (5,), 'motor_setpoint': (5,)}",
        "count success {'camera': (3, 1, 240, 320), 'camera-sum': (3,)}",
        "[-1.0, -0.5, 0.0, 0.5, 1.0]",
        "[True]",
        "True 3 start stop",
    )
    visitor.finishes(
        "camera (1, 1, 240, 320)",
        "camera-sum (1,)",
        "det (1, 1)",
        "det1 motor motor_setpoint (1, 3)",
        "14",
    )
    heard = Counter(told.get(timeout=PATIENCE) for _ in range(17))
    ours.disconnect()
    assert heard == {
        ("primary", "internal"): 11,
        ("primary", "camera"): 3,
        ("primary", "camera-sum"): 3,
    }


def test_images_follow_the_description_of_their_sequence(
    server: RunningServer, client_processes: ClientProcesses, readable: Path
) -> None:
    key = f"b{secrets.token_hex(4)}"
    beamline = client_processes.process("beamline", TILED)
    beamline.run("run_tiff_sequence", server.uri, key, readable)
    taken = "(3, 1, 4, 6) [0, 1, 2]", "multipart/related;type=image/tiff external 3"
    beamline.finishes(*taken, *taken)


ODD_ROWS = (
    "lists",
    "nested",
    "texts",
    "nothing_first",
    "lists_of_nothing",
    "truths",
    "records",
    "mixed",
    "whole_floats",
    "floats_then_ints",
    "large",
)


@pytest.mark.parametrize("writer", [OURS, TILED])
def test_rows_of_odd_types_are_appended_and_read_in_both_clients(
    server: RunningServer, client_processes: ClientProcesses, writer: str
) -> None:
    key = f"b{secrets.token_hex(4)}"
    desk = client_processes.process("beamline", writer)
    desk.run("append_events", server.uri, key, "write")
    desk.finishes("written")
    for client in (OURS, TILED):
        desk = client_processes.process("beamline", client)
        desk.run("append_events", server.uri, key, "read")
        desk.finishes(*(f"{name} equal" for name in ODD_ROWS))
