"""Subscribers of both clients see the same updates, written by requests or over one connection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.servers import RunningServer
from tiled_client import Container, from_uri

from .client_processes import OURS, TILED, ClientProcesses


def write_by_requests(array: Any, table: Any, *, persist: bool) -> None:
    array.write([1, 2], persist=persist)
    array.write_block([3, 4], 0, persist=persist)
    array.patch([5, 6], 2, extend=True, persist=persist)
    table.append({"n": [7, 8]}, persist=persist)
    for node in (array, table):
        node.close_stream()


def write_over_one_connection(array: Any, table: Any, *, persist: bool) -> None:
    with array.writer(persist=persist) as a, table.writer(persist=persist) as t:
        a.write([1, 2])
        a.write_block([3, 4], 0)
        a.patch([5, 6], 2, extend=True)
        t.append({"n": [7, 8]})
        for writer in (a, t):
            writer.close_stream()


@pytest.mark.parametrize("persist", [True, False])
def test_updates_do_not_depend_on_how_they_were_written(
    server: RunningServer, client_processes: ClientProcesses, persist: bool
) -> None:
    top: Container = from_uri(server.uri, api_key=server.api_key)
    printed = {}
    for write in (write_by_requests, write_over_one_connection):
        array, table = top.write_array(np.zeros(2, "<i8")), top.write_table({"n": [0]})
        write(array, table, persist=persist)
        for client in (OURS, TILED):
            visitor = client_processes.process("visitor", client)
            for script, node in (("watch_data", array), ("watch_table", table)):
                visitor.run(script, server.uri, node.key, 2)
                printed[write, client, script] = visitor.prints_until("done")
                visitor.busy = False
    assert len(printed) == 8
    for client in (OURS, TILED):
        for script in ("watch_data", "watch_table"):
            ways = (write_by_requests, write_over_one_connection)
            one, other = (printed[write, client, script] for write in ways)
            assert one == other
        shown = printed[write_over_one_connection, client, "watch_data"]
        assert [line for line in shown if line.startswith("[")] == ["[1 2]", "[3 4]", "[5 6]"]
        assert "appended {'n': [7, 8]}" in printed[write_over_one_connection, client, "watch_table"]
