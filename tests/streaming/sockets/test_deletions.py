"""Deleted children in the stream of their container. Real servers."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from tests.servers import RunningServer

from ..websocket_client import Site, Socket

QUERY = "envelope_format=msgpack&features=child-deleted&start=0"
EVERYTHING = "recursive=true&external_only=false"


@pytest.fixture
def site(server: RunningServer) -> Site:
    return Site(server)


def delete(site: Site, path: str) -> bool:
    return site.http("DELETE", f"/metadata/{path}?{EVERYTHING}").status_code == 200


def create(site: Site, parent: str, key: str) -> bool:
    body = {"id": key, "structure_family": "container", "metadata": {}, "specs": []}
    return site.http("POST", f"/metadata/{parent}", json=body).status_code == 200


def update(site: Site, path: str) -> bool:
    body = {"content-type": "application/merge-patch+json", "metadata": {"a": 1}, "specs": None}
    return site.http("PATCH", f"/metadata/{path}", json=body).status_code == 200


def events(socket: Socket, count: int) -> list[tuple[int, str]]:
    """Return numbers and kinds of the next updates."""
    updates = [socket.next() for _ in range(count)]
    return [
        (update["sequence"], update["type"].removeprefix("container-child-")) for update in updates
    ]


def possible(kinds: Sequence[str]) -> bool:
    """Return whether one key can have this history: created, changed, deleted, created again."""
    there = False
    for kind in kinds:
        if there == (kind == "created"):
            return False
        there = kind != "deleted"
    return True


def test_events_of_one_key_are_streamed_in_the_order_of_their_commits(
    site: Site,
) -> None:
    container = site.create("container")

    def meddle(number: int) -> list[bool]:
        done = []
        for turn in range(12):
            match (number + turn) % 3:
                case 0:
                    done.append(create(site, container, "k"))
                case 1:
                    done.append(delete(site, f"{container}/k"))
                case _:
                    done.append(update(site, f"{container}/k"))
        return done

    with ThreadPoolExecutor(6) as threads:
        done = sum(sum(results) for results in threads.map(meddle, range(6)))
    with site.socket(f"/{container}?{QUERY}") as socket:
        socket.next()
        heard = events(socket, done)
        site.close(container)
        assert socket.closing()[0] == 1000
    assert [sequence for sequence, _ in heard] == list(range(1, done + 1))
    kinds = [kind for _, kind in heard]
    assert possible(kinds), kinds
    there = site.http("GET", f"/metadata/{container}/k").status_code == 200
    assert there == (kinds[-1] != "deleted")


def test_a_deleted_subtree_is_announced_once_and_ends_all_its_streams(site: Site) -> None:
    root = site.create("container")
    run = site.create("container", root)
    images = site.array(np.zeros(3), parent=run)
    with (
        site.socket(f"/{root}?{QUERY}") as above,
        site.socket(f"/{run}?{QUERY}") as container,
        site.socket(f"/{images}?{QUERY}") as array,
        site.socket(f"/{images}?start=0") as unaware,
    ):
        assert delete(site, run)
        above.next()
        assert events(above, 1) == [(1, "created")]
        gone = above.next()
        expected: dict[str, Any] = {"key": run.rpartition("/")[2], "structure_family": "container"}
        assert {key: gone[key] for key in expected} == expected
        assert gone["sequence"] == 2
        container.next()
        assert events(container, 1) == [(1, "created")]
        assert container.closing() == (4010, "Node deleted")
        array.next()
        assert array.closing() == (4010, "Node deleted")
        unaware.next()
        assert unaware.closing() == (1000, "Node deleted")
        assert site.array(np.ones(2), parent=root)
        assert events(above, 1) == [(3, "created")]


def test_without_the_feature_a_deletion_is_only_a_missing_number(site: Site) -> None:
    root = site.create("container")
    run = site.create("container", root)
    with site.socket(f"/{root}?start=0") as live:
        live.next()
        assert live.next()["sequence"] == 1
        assert delete(site, run)
        site.create("container", root)
        assert live.next()["sequence"] == 3
    with site.socket(f"/{root}?start=0") as late:
        late.next()
        assert late.sequences(2) == [1, 3]
