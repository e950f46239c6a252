"""One connection for the streams of many nodes, against a scripted server, over real sockets."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

from tests.client.fake_servers import (
    NOON,
    StreamPeer,
    closes,
    converses,
    drops,
    refuses,
    schema_message,
    sequences,
    update,
)
from tests.client.test_against_tiled import Heard
from tiled_client import (
    ArrayClient,
    ArrayStructure,
    BadRequest,
    Container,
    NodeDeleted,
    NodeNotFound,
    NotSupported,
    StreamTimeout,
    Unauthorized,
)
from tiled_client.documents import Resource
from tiled_client.http.client import HttpClient
from tiled_client.http.session import ClientSession

CONTAINER = {"type": "container-schema", "version": 1, "epoch": "c", "sequence": 0}


def said(request: dict[str, Any], *messages: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """A schema and messages, about the node that was asked for."""
    return [(request["path"], message) for message in (schema_message("e", 0), *messages)]


def array(peer: StreamPeer, key: str = "x") -> ArrayClient:
    resource = Resource(family="array", structure=peer.array().structure)
    return ArrayClient(ClientSession(HttpClient(peer.root, "key")), ("c", key), resource)


def container(peer: StreamPeer) -> Container:
    return Container(
        ClientSession(HttpClient(peer.root, "key")), ("c",), Resource(family="container")
    )


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [update(n, epoch="e") for n in numbers]


def ended(code: int, reason: str = "") -> dict[str, Any]:
    return {"type": "closed", "code": code, "reason": reason}


def test_each_subscription_hears_of_its_node_until_its_end(stream_peer: StreamPeer) -> None:
    stream_peer.plays(converses(lambda request: said(request, *numbered(1, 2), ended(1000))))
    with container(stream_peer).connect_stream() as stream:
        subs = [stream.subscribe(array(stream_peer, key)) for key in ("x", "y")]
        heard: list[Any] = []
        for sub in subs:
            sub.new_data.add_callback(heard.append)
            sub.start_in_thread(0)
        assert all(sub.wait(10) and sub.closed for sub in subs)
    assert sorted((u.path[-1], u.sequence) for u in heard) == [
        ("x", 1), ("x", 2), ("y", 1), ("y", 2),
    ]  # fmt: skip
    assert len(stream_peer.queries) == 1
    assert stream_peer.headers[0]["Authorization"] == "Apikey key"


def test_what_is_wanted_is_said_for_each_subscription(stream_peer: StreamPeer) -> None:
    requests: list[dict[str, Any]] = []
    left = threading.Event()

    def answer(request: dict[str, Any]) -> Any:
        requests.append(request)
        if request["type"] == "subscribe":
            return said(request)
        left.set()
        return []

    stream_peer.plays(converses(answer))
    with container(stream_peer).connect_stream() as stream:
        x = stream.subscribe(array(stream_peer), policy="latest", slice="::2")
        x.start_in_thread("latest")
        c = stream.subscribe(container(stream_peer), max_rate=5)
        c.start_in_thread(4, epoch="c")
        x.disconnect()
        assert left.wait(10)
    first, second = ({"type": "subscribe", "id": str(n)} for n in (1, 2))
    assert requests[:2] == [
        {**first, "path": "c/x", "policy": "latest", "slice": "::2", "start": "latest"},
        {**second, "path": "c", "max_rate": 5.0, "start": 4, "epoch": "c"},
    ]
    assert requests[2] == {"type": "unsubscribe", "id": "1"}


def test_after_a_loss_each_goes_on_from_where_it_stood(stream_peer: StreamPeer) -> None:
    requests: list[dict[str, Any]] = []
    counts = {"c/x": 2, "c/y": 3}

    def first(connection: Any) -> None:
        conversation = converses(
            lambda request: said(request, *numbered(*range(1, counts[request["path"]] + 1)))
        )
        threading.Thread(target=lambda: (all_heard.wait(5), drops(connection))).start()
        conversation(connection)

    def second(request: dict[str, Any]) -> Any:
        requests.append(request)
        return said(request, *numbered(request["start"]), ended(1000))

    all_heard = threading.Event()
    stream_peer.plays(first, converses(second))
    heard = Heard()
    with container(stream_peer).connect_stream() as stream:
        subs = [stream.subscribe(array(stream_peer, key)) for key in ("x", "y")]
        for sub in subs:
            sub.new_data.add_callback(heard)
            sub.start_in_thread(0)
        heard.wait(5)
        all_heard.set()
        assert all(sub.wait(10) for sub in subs)
    asked = {request["path"]: (request["start"], request["epoch"]) for request in requests}
    assert asked == {"c/x": (3, "e"), "c/y": (4, "e")}
    assert sequences([u for u in heard if u.path == ("c", "x")]) == [1, 2, 3]
    assert sequences([u for u in heard if u.path == ("c", "y")]) == [1, 2, 3, 4]


def test_a_refused_subscription_leaves_the_others_alone(stream_peer: StreamPeer) -> None:
    def answer(request: dict[str, Any]) -> Any:
        if request["path"] == "c/no":
            return [("c/no", {"type": "error", "status": 404, "detail": "No such entry"})]
        return said(request, *numbered(1), ended(1000))

    stream_peer.plays(converses(answer))
    with container(stream_peer).connect_stream() as stream:
        refused = stream.subscribe(array(stream_peer, "no"))
        with pytest.raises(NodeNotFound, match="No such entry"):
            refused.start_in_thread(0)
        assert sequences(list(stream.subscribe(array(stream_peer)).updates(0))) == [1]
    assert isinstance(refused.error, NodeNotFound)


@pytest.mark.parametrize(
    ("code", "error"), [(4010, NodeDeleted), (4003, Unauthorized), (4000, BadRequest)]
)
def test_the_end_of_one_subscription_says_why(
    stream_peer: StreamPeer, code: int, error: type[Exception]
) -> None:
    stream_peer.plays(converses(lambda request: said(request, ended(code, "because"))))
    with container(stream_peer).connect_stream() as stream:
        sub = stream.subscribe(array(stream_peer)).start_in_thread(0)
        with pytest.raises(error, match="because"):
            sub.wait(10)


def test_what_ends_the_connection_for_good_ends_all(stream_peer: StreamPeer) -> None:
    begun = threading.Event()

    def play(connection: Any) -> None:
        threading.Thread(
            target=lambda: (begun.wait(5), closes(4003, "Key revoked")(connection))
        ).start()
        converses(said)(connection)

    stream_peer.plays(play)
    with container(stream_peer).connect_stream() as stream:
        subs = [stream.subscribe(array(stream_peer, key)).start_in_thread() for key in "xy"]
        begun.set()
        for sub in subs:
            with pytest.raises(Unauthorized, match="Key revoked"):
                sub.wait(10)
        with pytest.raises(Unauthorized):
            stream.subscribe(array(stream_peer)).start_in_thread()


def test_subscriptions_can_be_started_and_ended_in_callbacks(stream_peer: StreamPeer) -> None:
    stream_peer.plays(converses(lambda request: said(request, *numbered(1, 2, 3))))
    heard = Heard()
    with container(stream_peer).connect_stream(buffer_bytes=1) as stream:
        x, y = (stream.subscribe(array(stream_peer, key)) for key in "xy")

        @x.new_data.add_callback
        def go_over(update: Any) -> None:
            heard(update)
            x.disconnect()
            y.start_in_thread(0)

        y.new_data.add_callback(heard)
        x.start_in_thread(0)
        heard.wait(4)
    assert [(u.path[-1], u.sequence) for u in heard] == [("x", 1), ("y", 1), ("y", 2), ("y", 3)]
    assert x.wait(0)


def test_closing_the_connection_ends_its_subscriptions(stream_peer: StreamPeer) -> None:
    stream_peer.plays(converses(said))
    ends: list[Any] = []
    with container(stream_peer).connect_stream() as stream:
        sub = stream.subscribe(array(stream_peer))
        sub.disconnected.add_callback(ends.append)
        sub.start_in_thread()
    assert ends == [sub]
    assert sub.wait(0)
    assert not sub.closed
    assert sub.error is None


@pytest.mark.parametrize("status", [403, 404])
def test_a_server_without_such_connections_is_named_as_the_reason(
    stream_peer: StreamPeer, status: int
) -> None:
    stream_peer.plays(refuses(status))
    with pytest.raises(NotSupported, match="each node separately"):
        container(stream_peer).connect_stream().open()
    with pytest.raises(NotSupported, match="each node separately"):
        container(stream_peer).subscribe(recursive=True).start_in_thread()


def test_a_server_that_does_not_answer_is_given_up_on(stream_peer: StreamPeer) -> None:
    stream_peer.plays(converses(lambda _: []))
    with container(stream_peer).connect_stream() as stream, pytest.raises(StreamTimeout):
        stream.subscribe(array(stream_peer)).start_in_thread(timeout=0.2)


def test_an_option_that_is_none_is_refused(stream_peer: StreamPeer) -> None:
    with pytest.raises(TypeError, match="no option 'color'"):
        container(stream_peer).connect_stream(color="red")


async def test_the_async_twin_hears_the_same(stream_peer: StreamPeer) -> None:
    stream_peer.plays(converses(lambda request: said(request, *numbered(1, 2), ended(1000))))
    heard: list[Any] = []
    async with container(stream_peer).connect_stream_async() as stream:
        sub = stream.subscribe(array(stream_peer, "y"))
        sub.new_data.add_callback(heard.append)
        await sub.start_in_task(0)
        looped = [each async for each in stream.subscribe(array(stream_peer)).updates(0)]
        assert await sub.wait(10)
    assert sequences(looped) == sequences(heard) == [1, 2]
    assert len(stream_peer.queries) == 1
    assert len(asyncio.all_tasks()) == 1


async def test_async_subscriptions_can_be_started_and_ended_in_callbacks(
    stream_peer: StreamPeer,
) -> None:
    stream_peer.plays(converses(lambda request: said(request, *numbered(1, 2, 3))))
    heard: list[Any] = []
    complete = asyncio.Event()
    async with container(stream_peer).connect_stream_async(buffer_bytes=1) as stream:
        x, y = (stream.subscribe(array(stream_peer, key)) for key in "xy")

        @x.new_data.add_callback
        async def go_over(update: Any) -> None:
            heard.append(update)
            await x.disconnect()
            await y.start_in_task(0)

        @y.new_data.add_callback
        def listen(update: Any) -> None:
            heard.append(update)
            if update.sequence == 3:
                complete.set()

        await x.start_in_task(0)
        await asyncio.wait_for(complete.wait(), 5)
    assert [(u.path[-1], u.sequence) for u in heard] == [("x", 1), ("y", 1), ("y", 2), ("y", 3)]


def created(sequence: int, key: str) -> dict[str, Any]:
    structure = ArrayStructure.from_array(np.zeros(3, "<i8"))
    return {
        "type": "container-child-created",
        "sequence": sequence,
        "epoch": "c",
        "timestamp": NOON.isoformat(),
        "key": key,
        "structure_family": "array",
        "specs": [],
        "metadata": {"a": 1},
        "data_sources": [{"structure_family": "array", "structure": structure.to_json()}],
        "access_tags": [],
    }


def test_a_recursive_subscription_hears_of_everything_below_and_of_whom(
    stream_peer: StreamPeer,
) -> None:
    def answer(request: dict[str, Any]) -> Any:
        assert request["recursive"] is True
        return [
            ("c", CONTAINER),
            ("c/x", schema_message("e", 0)),
            ("c/x", update(1, epoch="e")),
            ("c", created(1, "y")),
            ("c/y", schema_message("e", 2)),
            ("c/y", {**update(1, epoch="e"), "block": [0], "shape": [3]}),
            ("c/x", ended(4010, "Node deleted")),
            ("c", ended(4010, "Node deleted")),
        ]

    stream_peer.plays(converses(answer))
    sub = container(stream_peer).subscribe(recursive=True)
    closed: list[Any] = []
    sub.node_closed.add_callback(closed.append)
    heard: list[Any] = []
    sub.new_data.add_callback(heard.append)
    sub.child_created.add_callback(heard.append)
    with pytest.raises(NodeDeleted):
        sub.start(0)
    assert [(u.path, u.sequence) for u in heard] == [
        (("c", "x"), 1), (("c",), 1), (("c", "y"), 1),
    ]  # fmt: skip
    # The announced child is known without asking: so is where its chunk belongs.
    assert heard[2].node.metadata == {"a": 1}
    assert heard[2].offset == (0,)
    assert [(c.path, type(c.error)) for c in closed] == [(("c", "x"), NodeDeleted)]


def test_after_a_loss_a_recursive_subscription_repeats_nothing_and_misses_nothing(
    stream_peer: StreamPeer,
) -> None:
    requests: list[dict[str, Any]] = []

    def first(connection: Any) -> None:
        threading.Thread(target=lambda: (all_heard.wait(5), drops(connection))).start()
        converses(
            lambda request: [
                ("c", CONTAINER),
                ("c", created(1, "z")),
                ("c/x", schema_message("e", 2)),
                *(("c/x", each) for each in numbered(1, 2)),
                ("c/y", schema_message("e", 9)),
                ("c/y", update(9, epoch="e")),
            ]
        )(connection)

    def second(request: dict[str, Any]) -> Any:
        requests.append(request)
        return [
            ("c", CONTAINER),
            ("c", created(1, "z")),
            ("c/x", schema_message("e", 4)),
            *(("c/x", each) for each in numbered(1, 2, 3, 4)),
            ("c/y", schema_message("e", 10)),
            *(("c/y", each) for each in numbered(9, 10)),
            ("c", ended(4010)),
        ]

    all_heard = threading.Event()
    stream_peer.plays(first, converses(second))
    heard = Heard()
    sub = container(stream_peer).subscribe(recursive=True)
    sub.new_data.add_callback(heard)
    sub.child_created.add_callback(heard)
    sub.start_in_thread(0)
    heard.wait(4)
    all_heard.set()
    with pytest.raises(NodeDeleted):
        sub.wait(10)
    assert [(u.path[-1], u.sequence) for u in heard] == [
        ("c", 1), ("x", 1), ("x", 2), ("y", 9), ("x", 3), ("x", 4), ("y", 10),
    ]  # fmt: skip
    # Nothing can have been lost long before the earliest of the feeds' last words.
    assert requests[0]["start_time"] == "2026-11-22T11:59:58Z"
    assert "start" not in requests[0]
