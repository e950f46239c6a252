"""Every subscriber gets every update, once and in order, whoever writes and whenever it comes."""

from __future__ import annotations

from tests.servers import RunningServer
from tools.load.completeness import prove


def test_many_writers_reach_all_who_were_there_who_came_later_and_who_came_back(
    server: RunningServer,
) -> None:
    report = prove(server.uri, server.api_key, writers=16, updates=30, subscribers=24)
    assert not report.faults
    assert report.messages > 16 * 30 * 20
