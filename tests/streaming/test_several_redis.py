"""A site whose streams are divided among several Redis, under real servers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from tests.servers import manage, own_database, running
from tiled_client import from_uri
from tools.backends.valkey_server import Cache, own_cache

from .sockets.test_revocation import REVOKED, SOON, closings, new_key, revoke
from .websocket_client import KEY, Site

pytestmark = pytest.mark.server

REPLAY = "?start=0&features=gap,reset"
OPTIONS = ("serve", "--port", "0", "--workers", "2", "--api-key", KEY)


@pytest.fixture
def caches() -> Iterator[list[Cache]]:
    with ExitStack() as stack:
        yield [stack.enter_context(own_cache()) for _ in range(3)]


@pytest.fixture
def database() -> Iterator[dict[str, str]]:
    with own_database() as settings:
        yield settings


def addresses(caches: Sequence[Cache]) -> dict[str, str]:
    return {
        "TILED_STREAMING_CACHE_URI": ",".join(cache.uri for cache in caches),
        "TILED_STREAMING_CACHE_TIMEOUT": "2",
    }


@contextmanager
def serving(folder: Path, caches: Sequence[Cache], database: dict[str, str]) -> Iterator[Site]:
    with running(folder, *OPTIONS, **addresses(caches), **database) as server:
        yield Site(server)


def streams(cache: Cache) -> set[bytes]:
    return set(cache.client.scan_iter("*}:meta"))


def written_array(site: Site, caches: Sequence[Cache]) -> tuple[str, Cache]:
    """Create an array, write 1, and return the path and the Redis of its stream."""
    path = site.array([0])
    before = [streams(cache) for cache in caches]
    site.write(path, [1])
    grown = [cache for cache, old in zip(caches, before, strict=True) if streams(cache) - old]
    assert len(grown) == 1
    return path, grown[0]


def arrays_on_each(site: Site, caches: Sequence[Cache]) -> dict[str, str]:
    """Create arrays, to which 1 is written, until each Redis has one; return one path of each."""
    found: dict[str, str] = {}
    while len(found) < len(caches):
        path, cache = written_array(site, caches)
        found[cache.uri] = path
    return found


def update(message: dict[str, Any]) -> tuple[str, int, int]:
    """Return the epoch and the number of an update, and the value that was written."""
    assert message["type"] == "array-data", message
    return message["epoch"], message["sequence"], message["payload"][0]


def first_update(site: Site, path: str) -> tuple[str, int, int]:
    """Return the oldest update that can be replayed.

    A gap may precede it: an update that had not left the outbox when its server was stopped.
    """
    with site.socket(f"/{path}{REPLAY}") as socket:
        assert socket.next()["type"] == "array-schema"
        message = socket.next()
        return update(socket.next() if message["type"] == "gap" else message)


def test_a_redis_that_is_away_defers_the_updates_of_its_own_nodes_only(
    tmp_path: Path, caches: list[Cache], database: dict[str, str]
) -> None:
    one, other = caches[:2]
    with serving(tmp_path, [one, other], database) as site, ExitStack() as stack:
        paths = arrays_on_each(site, [one, other])
        sockets = {
            uri: stack.enter_context(site.socket(f"/{path}{REPLAY}")) for uri, path in paths.items()
        }
        for uri, socket in sockets.items():
            assert socket.next()["type"] == "array-schema"
            assert update(socket.next())[1:] == (1, 1)
            for value in range(2, 7):
                site.write(paths[uri], [value], "?persist=false" if value % 2 else "")
            assert [update(socket.next())[1:] for _ in range(5)] == [(n, n) for n in range(2, 7)]

        other.stop()
        site.write(paths[other.uri], [7])
        for value in (7, 8):
            site.write(paths[one.uri], [value], "?persist=false")
        assert [update(sockets[one.uri].next())[2] for _ in range(2)] == [7, 8]
        health = requests.get(f"{site.server.uri.rstrip('/')}/readyz", timeout=10)
        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert "1 of 2 Redis" in health.json()["detail"]

        other.start()
        messages = [sockets[other.uri].next()]
        while messages[-1]["type"] != "array-data":
            messages.append(sockets[other.uri].next())
        assert messages[0]["type"] == "reset"
        assert update(messages[-1])[2] == 7


def test_a_revoked_key_loses_its_subscriptions_to_nodes_of_each_redis(
    tmp_path: Path, caches: list[Cache], database: dict[str, str]
) -> None:
    pair = caches[:2]
    with serving(tmp_path, pair, database) as site, ExitStack() as stack:
        paths, key = arrays_on_each(site, pair), new_key(site)
        sockets = [stack.enter_context(site.socket(f"/{path}", key=key)) for path in paths.values()]
        assert {socket.next()["type"] for socket in sockets} == {"array-schema"}
        revoke(site, key)
        how, took = closings(sockets)
        assert how == {REVOKED}
        assert took < SOON


def test_a_connection_writes_to_nodes_in_several_redis(
    tmp_path: Path, caches: list[Cache], database: dict[str, str]
) -> None:
    pair = caches[:2]
    with serving(tmp_path, pair, database) as site:
        paths = list(arrays_on_each(site, pair).values())
        client = from_uri(site.server.uri, api_key=KEY)
        for values, persist in ((range(2, 20), True), (range(20, 40), False)):
            with client.writer() as writer:
                nodes = [writer.open(client[path], persist=persist) for path in paths]
                for value in values:
                    for node in nodes:
                        node.write(np.array([value]))
        for path in paths:
            with site.socket(f"/{path}{REPLAY}") as socket:
                assert socket.next()["type"] == "array-schema"
                found = [update(socket.next()) for _ in range(39)]
            assert [one[1:] for one in found] == [(n, n) for n in range(1, 40)]
            assert len({one[0] for one in found}) == 1


def test_adding_a_redis_moves_its_share_and_adding_it_again_revives_nothing(
    tmp_path: Path, caches: list[Cache], database: dict[str, str]
) -> None:
    pair = caches[:2]
    settings = {**addresses(caches), **database}
    with serving(tmp_path, pair, database) as site:
        paths = [written_array(site, pair)[0] for _ in range(24)]
        epochs = {path: first_update(site, path)[0] for path in paths}

    refused = manage(tmp_path, *OPTIONS, **settings)
    assert refused.returncode != 0
    assert "manage.py divide_streams" in refused.stderr

    done = manage(tmp_path, "divide_streams", **settings)
    assert done.returncode == 0, done.stderr
    assert "among 3 Redis" in done.stdout
    with serving(tmp_path, caches, database) as site:
        for path in paths:
            site.write(path, [2])
        seen = {path: first_update(site, path) for path in paths}
        moved = {path for path in paths if seen[path][2] == 2}
        assert 0 < len(moved) < len(paths)
        assert len(streams(caches[2])) >= len(moved)
        for path in paths:
            assert (seen[path][0] == epochs[path]) == (path not in moved)

    fewer = {**addresses(pair), **database}
    assert manage(tmp_path, "divide_streams", **fewer).returncode == 0
    with serving(tmp_path, pair, database) as site:
        for path in moved:
            site.write(path, [3])
    # The third still has the streams of before.
    assert len(streams(caches[2])) >= len(moved)
    assert manage(tmp_path, "divide_streams", **settings).returncode == 0
    with serving(tmp_path, caches, database) as site:
        for path in moved:
            site.write(path, [4])
            epoch, _, value = first_update(site, path)
            assert value == 4
            assert epoch not in (epochs[path], seen[path][0])


def test_streams_are_not_divided_while_a_server_runs(
    tmp_path: Path, caches: list[Cache], database: dict[str, str]
) -> None:
    with serving(tmp_path, caches[:1], database) as site:
        path, _ = written_array(site, caches[:1])
        refused = manage(tmp_path, "divide_streams", **addresses(caches), **database)
        assert refused.returncode != 0
        assert "stop its servers" in refused.stderr
        assert first_update(site, path)[1:] == (1, 1)


def test_a_redis_that_left_the_list_does_not_return_without_the_command(
    tmp_path: Path, caches: list[Cache], database: dict[str, str]
) -> None:
    pair, one = caches[:2], caches[:1]
    with serving(tmp_path, pair, database) as site:
        path = arrays_on_each(site, pair)[one[0].uri]
    assert manage(tmp_path, "divide_streams", **addresses(caches[1:2]), **database).returncode == 0
    with serving(tmp_path, caches[1:2], database) as site:
        site.write(path, [2])
    refused = manage(tmp_path, *OPTIONS, **addresses(one), **database)
    assert refused.returncode != 0
    assert "divide_streams" in refused.stderr
    assert manage(tmp_path, "divide_streams", **addresses(one), **database).returncode == 0
    with serving(tmp_path, one, database) as site:
        site.write(path, [3])
        assert first_update(site, path)[2] == 3


def test_a_division_that_was_interrupted_lets_no_server_start(
    tmp_path: Path, caches: list[Cache], database: dict[str, str]
) -> None:
    pair = caches[:2]
    with serving(tmp_path, pair, database) as site:
        path = arrays_on_each(site, pair)[pair[0].uri]
    caches[2].stop()
    failed = manage(tmp_path, "divide_streams", **addresses(caches), **database)
    assert failed.returncode != 0
    assert "does not respond" in failed.stderr
    for some in (pair, caches, pair[:1]):
        assert manage(tmp_path, *OPTIONS, **addresses(some), **database).returncode != 0
    assert manage(tmp_path, "divide_streams", **addresses(pair), **database).returncode == 0
    with serving(tmp_path, pair, database) as site:
        site.write(path, [2])
        assert first_update(site, path)[2] == 2
