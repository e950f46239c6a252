"""A real server whose user at Redis has the rights of docs/how-to/run-redis.md, over TLS."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from streaming.redis.keys import servers_key
from tests.servers import own_database, running
from tiledproject.config.errors import ConfigError
from tiledproject.servers.preflight import check_cache
from tools.backends.redis_sentinel import SERVICE, own_sentinels, sentinel_here
from tools.backends.redis_server import RedisServers, own_redis, redis_here

from .ingest.producer import producing, row
from .secured_redis import ADMIN, PASSWORD, Secured, acl_lines
from .test_sentinel import REPLAY, fail_over, values_until
from .websocket_client import KEY, Site

pytestmark = [
    pytest.mark.skipif(not redis_here(), reason="redis-server is not installed"),
    pytest.mark.server,
]

PREFIX = "tiled"
SETTINGS = {
    "TILED_STREAMING_CACHE_HEARTBEAT": "1",
    "TILED_STREAMING_CACHE_TIMEOUT": "2",
    "TILED_STREAMING_CACHE_PREFIX": PREFIX,
}
LARGE = 2 << 20
LIST_AND_COUNT = """
from uuid import UUID
from streaming.status import stream_status
from streaming.subscribers import list_subscribers
from catalog.models import Node
node = Node.objects.get(key={key!r}).uuid
print(stream_status(node).last_sequence, list_subscribers(node).count)
"""


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Secured:
    return Secured(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def servers(secured: Secured) -> Iterator[RedisServers]:
    """Run a Redis that retains its content, with the user of the page."""
    lines = [*secured.lines("users.acl"), "appendonly yes", "maxmemory-policy noeviction"]
    with own_redis(lines, secured.login) as servers:
        with servers.client(servers.ports[0]) as admin:
            admin.execute_command(*acl_lines()[0])
            admin.acl_save()
        yield servers


@pytest.fixture(scope="module")
def uri(secured: Secured, servers: RedisServers) -> str:
    return f"rediss://tiled:{PASSWORD}@127.0.0.1:{servers.ports[0]}?{secured.query}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, uri: str) -> Iterator[Site]:
    """Run a server with two workers as that user."""
    folder = tmp_path_factory.mktemp("rights")
    options = ("--port", "0", "--workers", "2", "--api-key", KEY)
    own = {"TILED_STREAMING_CACHE_URI": uri, **SETTINGS}
    with own_database() as database, running(folder, "serve", *options, **own, **database) as s:
        yield Site(s)


@pytest.fixture
def admin(servers: RedisServers) -> Iterator[redis.Redis]:
    with servers.client(servers.ports[0]) as client:
        yield client


ENDED = "a server that has ended"
DENIED = [
    ["GET", "other:secret"],
    ["SET", "other:secret", "y"],
    ["MGET", f"{PREFIX}:a", "other:secret"],
    ["RENAME", "other:secret", f"{PREFIX}:taken"],
    ["XADD", "other:{a}:log", "*", "a", "b"],
    ["SUBSCRIBE", "other:channel"],
    ["PUBLISH", "other:channel", "x"],
    ["PSUBSCRIBE", "*"],
    ["KEYS", "*"],
    ["CONFIG", "GET", "requirepass"],
    ["CONFIG", "SET", "maxmemory", "1"],
    ["FLUSHALL"],
    ["FLUSHDB"],
    ["SHUTDOWN", "NOSAVE"],
    ["ACL", "LIST"],
    ["CLIENT", "LIST"],
    ["MONITOR"],
    ["REPLICAOF", "127.0.0.1", "1"],
]
FORGET = "from streaming.writing.forgetting import forget_streams as f; f()"


def denied(admin: redis.Redis) -> list[Any]:
    """Return what Redis has denied, and forget it."""
    found = admin.acl_log(128)
    admin.acl_log_reset()
    return found


def used(admin: redis.Redis) -> set[str]:
    """Return the names of the commands that were executed, as in rules."""
    names = admin.info("commandstats")
    return {name.removeprefix("cmdstat_") for name in names}


def new_key(site: Site) -> str:
    made = site.server.manage("apikey", "create", "--scopes", "read:data,read:metadata")
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def restart(servers: RedisServers, *, while_away: Callable[[], None] = lambda: None) -> None:
    (port,) = servers.ports
    servers.kill(port)
    while_away()
    servers.start_redis(port)


def stream(site: Site, servers: RedisServers, admin: redis.Redis) -> None:
    """Write, resume, revoke and delete, while Redis is restarted and loses its content."""
    path, key = site.array([0]), new_key(site)
    with site.socket(f"/{path}{REPLAY}") as live:
        site.write(path, [1])
        with producing(site) as producer:
            producer.open(1, path)
            producer.send(row(2), op="write", handle=1, sequence=1)
            producer.send(row(3), op="write", handle=1, sequence=2, persist=False)
            producer.until_applied(1, 2)
        assert values_until(live, 3) == [1, 2, 3]
        with site.socket(f"/{path}", key=key) as guest:
            assert guest.next()["type"] == "array-schema"
            assert site.server.manage("apikey", "revoke", key[:8]).returncode == 0
            assert guest.closing() == (4003, "Key revoked")
        restart(servers, while_away=lambda: site.write(path, [4]))
        assert values_until(live, 4) == [4]
        with site.socket(f"/{path}{REPLAY}") as late:
            assert values_until(late, 4) == [1, 2, 3, 4]
        for query in ("?start=latest", f"?start_time={time.time() - 3600}"):
            with site.socket(f"/{path}{query}") as late:
                assert values_until(late, 4)[-1] == 4
        admin.flushall()
        assert live.next()["type"] == "reset"
        site.write(path, [5])
        assert values_until(live, 5)[-1:] == [5]
        site.close(path)
        assert live.closing()[0] == 1000
    node = site.array([0])
    with site.socket(f"/{node}") as live:
        assert live.next()["type"] == "array-schema"
        site.done("DELETE", f"/metadata/{node}?external_only=false")
        assert live.closing() == (1000, "Node deleted")


def fill(site: Site, admin: redis.Redis) -> None:
    """Write until Redis is full, and the oldest updates are evicted."""
    path = site.array(np.zeros(LARGE // 8))
    admin.config_set("maxmemory", int(admin.info("memory")["used_memory"]) + 10 * LARGE)
    try:
        for number in range(12):
            site.write(path, np.full(LARGE // 8, float(number)))
    finally:
        admin.config_set("maxmemory", 0)


def describe(site: Site) -> None:
    """Query what administrators see."""
    path = site.array([0])
    with site.socket(f"/{path}") as live:
        assert live.next()["type"] == "array-schema"
        site.write(path, [1])
        shown = site.server.manage("shell", "-v0", "-c", LIST_AND_COUNT.format(key=path))
    assert shown.stdout.split() == ["1", "1"], shown.stderr
    assert "tiled_redis_up 1" in site.http("GET", "/metrics").text


def test_the_server_works_with_the_rights_of_the_page_and_uses_all_of_them(
    site: Site, servers: RedisServers, admin: redis.Redis
) -> None:
    stream(site, servers, admin)
    fill(site, admin)
    describe(site)
    admin.sadd(servers_key(PREFIX), ENDED)
    parent = site.create("container")
    for _ in range(2):
        site.write(site.array([0], parent=parent), [1])
    site.done("DELETE", f"/metadata/{parent}?recursive=true&external_only=false")
    for command in ("cleanup", f"shell -c {shlex.quote(FORGET)}"):
        done = site.server.manage(*shlex.split(command))
        assert done.returncode == 0, done.stderr
    RedisServers.wait_until(lambda: not admin.sismember(servers_key(PREFIX), ENDED))
    assert denied(admin) == []
    granted = {word[1:] for word in acl_lines()[0] if word.startswith("+")}
    assert granted - used(admin) == set()


def test_the_user_may_do_nothing_else(uri: str, admin: redis.Redis) -> None:
    admin.set("other:secret", "x")
    with redis.Redis.from_url(uri, driver_info=None) as user:
        assert user.get(f"{PREFIX}:none") is None
        for words in DENIED:
            with pytest.raises(redis.exceptions.NoPermissionError):
                user.execute_command(*words)
        with pytest.raises(redis.ResponseError, match="executing the script can't access"):
            user.eval("return redis.call('GET', 'other:secret')", 0)
    assert sum(int(entry["count"]) for entry in denied(admin)) == len(DENIED) + 1
    assert admin.get("other:secret") == b"x"


def test_files_of_tls_that_are_wrong_are_told_at_the_start(secured: Secured, uri: str) -> None:
    address = uri.partition("?")[0]
    for query in ("", "?ssl_ca_certs=/no/such.crt", f"?ssl_ca_certs={secured.client[0]}"):
        with pytest.raises(
            ConfigError, match=r"without a valid TLS connection .*; write the right"
        ):
            check_cache(f"{address}{query}", PREFIX)
    without_own = check_cache(f"{address}?ssl_ca_certs={secured.ca}", PREFIX)
    assert without_own is not None
    assert "No response from streaming_cache.uri" in without_own


def test_a_user_without_rights_for_the_prefix_is_told_at_the_start(uri: str) -> None:
    assert check_cache(uri, PREFIX) is None
    with pytest.raises(ConfigError, match=r"lacks a right .*keys and channels other:\*, that docs"):
        check_cache(uri, "other")


@pytest.mark.skipif(not sentinel_here(), reason="redis-sentinel is not installed")
def test_a_failover_over_tls_with_the_rights_of_the_page(secured: Secured, tmp_path: Path) -> None:
    of_server, at_sentinels, *between = acl_lines()
    login = f"sentinel auth-user {SERVICE} sentinel", f"sentinel auth-pass {SERVICE} {PASSWORD}"
    lines = [*secured.lines("service.acl", of_server, *between), "masteruser replica"]
    watching = [
        *secured.lines("sentinels.acl", at_sentinels),
        f"sentinel sentinel-pass {ADMIN}",
        *login,
    ]
    with own_sentinels([*lines, f"masterauth {PASSWORD}"], watching, secured.login) as servers:
        query = f"{secured.query}&sentinel_username=tiled&sentinel_password={PASSWORD}"
        login_uri = servers.uri.replace("redis+sentinel://", f"rediss+sentinel://tiled:{PASSWORD}@")
        own = {"TILED_STREAMING_CACHE_URI": f"{login_uri}?{query}", **SETTINGS}
        options = ("--port", "0", "--workers", "1", "--api-key", KEY)
        with (
            own_database() as database,
            running(tmp_path, "serve", *options, **own, **database) as s,
        ):
            site = Site(s)
            path, key = site.array([0]), new_key(site)
            with site.socket(f"/{path}{REPLAY}") as live:
                site.write(path, [1])
                assert values_until(live, 1) == [1]
                fail_over(servers)
                site.write(path, [2])
                assert values_until(live, 2)[-1:] == [2]
            with site.socket(f"/{path}", key=key) as guest:
                assert guest.next()["type"] == "array-schema"
                assert site.server.manage("apikey", "revoke", key[:8]).returncode == 0
                assert guest.closing() == (4003, "Key revoked")
        for port in (*servers.ports, *servers.sentinel_ports):
            with servers.client(port) as admin:
                assert denied(admin) == []
