"""One connection for many nodes. Real servers."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import msgpack
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from tests.servers import RunningServer
from tiled_client.wire.subprotocols import MULTI

from ..websocket_client import Site, Socket

ALL = "?features=gap,reset,heartbeat,child-deleted"


@pytest.fixture(params=["server", "runserver"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.getfixturevalue(request.param))


@pytest.fixture
def served(server: RunningServer) -> Site:
    return Site(server)


@pytest.mark.parametrize("query", ["", "?envelope_format=msgpack"])
def test_several_nodes_are_streamed_each_from_its_own_start(site: Site, query: str) -> None:
    first, second = site.array(), site.array()
    site.write(first, [1, 2, 3])
    with site.multi(query) as socket:
        socket.send_command(type="subscribe", id="a", path=first, start=0)
        assert socket.next_for("a", first)["type"] == "array-schema"
        assert socket.next_for("a", first)["sequence"] == 1
        socket.send_command(type="subscribe", id="b", path=second)
        assert socket.next_for("b", second)["sequence"] == 0
        site.write(second, [4, 5, 6])
        update = socket.next_for("b", second)
        numbers = np.array([4, 5, 6])
        assert update["payload"] == (numbers.tobytes() if query else numbers.tolist())
        socket.send_command(type="unsubscribe", id="a")
        assert socket.next_for("a", first) == {"type": "unsubscribed"}
        site.write(first, [7, 8, 9])
        socket.send_command(type="subscribe", id="a", path=first, start="latest")
        assert socket.next_for("a", first)["sequence"] == 2
        assert socket.next_for("a", first)["sequence"] == 2
        site.close(first)
        closed = socket.next_for("a", first)
        assert (closed["type"], closed["code"]) == ("closed", 1000)
        # The id may be used again.
        socket.send_command(type="subscribe", id="a", path=second)
        assert socket.next_for("a", second)["type"] == "array-schema"


def test_msgpack_commands_and_an_auth_message_are_accepted(site: Site) -> None:
    path = site.array()
    with site.multi("?envelope_format=msgpack", key=None) as socket:
        socket.send_command(type="auth", api_key="secret")
        message = {"type": "subscribe", "id": "é", "path": f"/{path}/"}
        socket.connection.send(msgpack.packb(message))
        assert socket.next_for("é", path)["type"] == "array-schema"
    with site.multi(key=None) as socket:
        socket.send_command(type="auth", api_key="wrong")
        assert socket.closing() == (4003, "Authentication failed")


@pytest.mark.parametrize(
    ("said", "name", "status", "detail"),
    [
        ("nonsense", None, 400, "A message must be JSON"),
        (b"\xc1", None, 400, "A message must be JSON"),
        ('{"type": "unsubscribe", "id": "\\ud800"}', None, 400, "A message must be JSON"),
        ("[]", None, 400, "A message must be a map"),
        ('{"type": "subscribe"}', None, 400, "id must be a string"),
        ({"type": "subscribe", "id": "x" * 65}, None, 400, "id must be a string"),
        ({"type": "other", "id": "x"}, None, 400, "type must be"),
        ({"type": "subscribe", "id": "x"}, "x", 400, "path must be"),
        ({"type": "subscribe", "id": "x", "path": "a", "start": -1}, "x", 400, "start must be"),
        ({"type": "subscribe", "id": "x", "path": "nothing"}, "x", 404, "No such entry"),
        ({"type": "subscribe", "id": "x", "path": "", "slice": "1"}, "x", 400, "slice applies to"),
        ({"type": "unsubscribe", "id": "x"}, "x", 404, "There is no subscription"),
        ({"type": "ack", "id": "x", "updates": 0}, "x", 400, "updates must be a positive"),
        (
            {"type": "subscribe", "id": "x", "path": "", "max_unacknowledged": 2},
            "x",
            400,
            "max_unacknowledged needs policy=latest",
        ),
    ],
)
def test_an_invalid_command_gets_an_error_and_the_connection_stays_open(
    served: Site, said: Any, name: str | None, status: int, detail: str
) -> None:
    with served.multi() as socket:
        socket.connection.send(json.dumps(said) if isinstance(said, dict) else said)
        error = socket.next_for(name)
        assert (error["type"], error["status"]) == ("error", status)
        assert error["detail"].startswith(detail)
        path = served.array()
        socket.send_command(type="subscribe", id="x", path=path)
        assert socket.next_for("x", path)["type"] == "array-schema"
        socket.send_command(type="subscribe", id="x", path=path)
        assert socket.next_for("x", path)["detail"] == "The id 'x' is in use."


def test_a_client_that_acknowledges_gets_the_newest_update_of_that_time(served: Site) -> None:
    path = served.array()
    with served.multi() as socket:
        options = {"policy": "latest", "max_unacknowledged": 1}
        socket.send_command(type="subscribe", id="a", path=path, **options)
        assert socket.next_for("a")["max_unacknowledged"] == 1
        for number in range(1, 7):
            served.write(path, [number] * 3)
        assert socket.next_for("a")["sequence"] == 1
        # The reply would come behind an update that was sent before.
        socket.send_command(type="unsubscribe", id="none")
        assert socket.next_for("none")["status"] == 404
        socket.send_command(type="ack", id="none")
        socket.send_command(type="ack", id="a", updates=1)
        assert socket.next_for("a")["sequence"] == 6
        served.close(path)
        socket.send_command(type="ack", id="a")
        assert socket.next_for("a")["code"] == 1000


def test_a_deleted_node_ends_its_subscription_only(site: Site) -> None:
    gone, stays = site.array(), site.array()
    with site.multi(ALL) as socket:
        for name, path in (("a", gone), ("b", stays)):
            socket.send_command(type="subscribe", id=name, path=path)
            assert socket.next_for(name)["type"] == "array-schema"
        site.done("DELETE", f"/metadata/{gone}?external_only=false")
        assert socket.next_for("a", gone) == {
            "type": "closed",
            "code": 4010,
            "reason": "Node deleted",
        }
        site.write(stays, [1, 2, 3])
        assert socket.next_for("b", stays)["sequence"] == 1


def collect(socket: Socket, until: int) -> dict[str, list[int]]:
    """Return the sequences of `until` data updates, by path."""
    found: dict[str, list[int]] = defaultdict(list)
    while sum(map(len, found.values())) < until:
        _, path, message = socket.next()
        if message["type"] == "array-data":
            found[path].append(message["sequence"])
    return dict(found)


def test_a_recursive_subscription_follows_existing_and_later_nodes(site: Site) -> None:
    top = site.create("container")
    inner = site.create("container", top)
    old = site.array(parent=inner)
    site.write(old, [1, 2, 3])
    with site.multi("?envelope_format=msgpack") as socket:
        socket.send_command(type="subscribe", id="all", path=top, recursive=True)
        assert socket.next_for("all", top)["type"] == "container-schema"
        schemas = {socket.next()[1] for _ in range(2)}
        assert schemas == {inner, old}
        site.write(old, [1, 2, 3])
        deep = site.create("container", site.create("container", inner))
        new = site.array(parent=deep)
        for _ in range(3):
            site.write(new, [1, 2, 3])
        assert collect(socket, 4) == {old: [2], new: [1, 2, 3]}
        # The producer may resume after an end.
        site.close(new)
        while (message := socket.next()[2])["type"] != "closed":
            assert message["type"].startswith("container")
        assert message["code"] == 1000
        site.write(new, [1, 2, 3])
        assert collect(socket, 1) == {new: [4]}


def test_a_node_deleted_and_created_again_is_followed_again(site: Site) -> None:
    top = site.create("container")
    path = site.array(parent=top, id="x")
    with site.multi(ALL) as socket:
        socket.send_command(type="subscribe", id="all", path=top, recursive=True)
        for _ in range(2):
            socket.next()
        site.write(path, [1, 2, 3])
        assert socket.next_for("all", path)["sequence"] == 1
        site.done("DELETE", f"/metadata/{path}?external_only=false")
        site.array(parent=top, id="x")
        site.write(path, [4, 5, 6])
        said = []
        while not said or said[-1] != "array-data":
            said.append(socket.next_for("all")["type"])
        assert sorted(said[:-1]) == [
            "array-schema",
            "closed",
            "container-child-created",
            "container-child-deleted",
        ]
        site.done("DELETE", f"/metadata/{top}?external_only=false&recursive=true")
        while (message := socket.next())[1] != top or message[2]["type"] != "closed":
            pass
        assert message[2]["code"] == 4010
        # The whole subscription is closed, and the id may be used again.
        socket.send_command(type="subscribe", id="all", path="")
        while (message := socket.next())[2]["type"] != "container-schema":
            assert message[2]["type"] == "closed"


def test_nothing_written_after_the_first_message_is_missed(served: Site) -> None:
    top = served.create("container")
    paths = [served.array(parent=top) for _ in range(60)]
    with served.multi("?envelope_format=msgpack") as socket:
        socket.send_command(type="subscribe", id="all", path=top, recursive=True)
        assert socket.next_for("all", top)["type"] == "container-schema"
        served.write(max(paths), [1, 2, 3])
        assert collect(socket, 1) == {max(paths): [1]}


def test_children_created_while_a_subscription_opens_are_not_missed(served: Site) -> None:
    top = served.create("container")
    with served.multi("?envelope_format=msgpack") as socket:
        socket.send_command(type="subscribe", id="all", path=top, recursive=True, start=0)
        paths = []
        for _ in range(20):
            paths.append(served.array(parent=top))
            served.write(paths[-1], [1, 2, 3])
        found = collect(socket, 20)
        assert found == {path: [1] for path in paths}


def test_a_busy_stream_does_not_delay_the_others(served: Site) -> None:
    busy, quiet = served.array(np.zeros(125_000)), served.array()
    for _ in range(30):
        served.write(busy, np.zeros(125_000), "?persist=False")
    served.write(quiet, [1, 2, 3])
    with served.multi("?envelope_format=msgpack") as socket:
        socket.send_command(type="subscribe", id="busy", path=busy, start=0)
        socket.send_command(type="subscribe", id="quiet", path=quiet, start=0)
        found = collect(socket, 31)
        assert found == {busy: list(range(1, 31)), quiet: [1]}
        # Served in turn: the quiet stream did not wait for all of the busy one.
        socket.send_command(type="unsubscribe", id="busy")
        socket.send_command(type="unsubscribe", id="quiet")
        socket.next_for("busy"), socket.next_for("quiet")
        socket.send_command(type="subscribe", id="busy", path=busy, start=0)
        socket.send_command(type="subscribe", id="quiet", path=quiet, start=0)
        order = []
        while "quiet" not in order:
            name, _, message = socket.next()
            if message["type"] == "array-data":
                order.append(name)
        assert len(order) < 30


def test_a_client_that_reads_nothing_of_many_streams_costs_no_memory(site: Site) -> None:
    paths = [site.array(np.zeros(125_000)) for _ in range(3)]
    with site.multi("?envelope_format=msgpack") as socket:
        for number, path in enumerate(paths):
            socket.send_command(type="subscribe", id=str(number), path=path)
        for _ in paths:
            socket.next()
        for path in paths:
            site.write(path, np.zeros(125_000), "?persist=False")
        before = memory(site)
        for _ in range(40):
            for path in paths:
                site.write(path, np.zeros(125_000), "?persist=False")
        assert memory(site) - before < 60_000_000
        assert collect(socket, 123) == {path: list(range(1, 42)) for path in paths}


def memory(site: Site) -> int:
    return sum(
        process.memory_info().rss
        for process in site.server.processes()
        if "valkey" not in process.name()
    )


@pytest.mark.parametrize(
    ("offer", "selected"),
    [((), None), ((MULTI,), MULTI), (("graphql-transport-ws", MULTI), MULTI)],
)
def test_the_protocol_is_negotiated(
    site: Site, offer: tuple[str, ...], selected: str | None
) -> None:
    path = site.array()
    with site.multi(offer=offer) as socket:
        assert socket.connection.subprotocol == selected
        socket.send_command(type="subscribe", id="a", path=path, start="next")
        assert socket.next_for("a", path)["type"] == "array-schema"
        site.write(path, [1, 2, 3])
        assert socket.next_for("a", path)["sequence"] == 1


def test_a_client_of_an_unknown_subprotocol_is_rejected_with_a_detail(served: Site) -> None:
    offer = ("graphql-transport-ws",)
    with pytest.raises(InvalidStatus) as refused, served.multi(offer=offer):
        pass
    assert refused.value.response.status_code == 400
    assert MULTI in refused.value.response.body.decode()
