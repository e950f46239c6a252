"""Requests, retries and errors, against a scripted server over real sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from typing import Any

import numpy as np
import pytest

import tiled_client
from tests.client.fake_servers import HttpPeer, Reply
from tiled_client import (
    ArrayClient,
    ArrayStructure,
    Conflict,
    Container,
    HttpOptions,
    Invalid,
    InvalidResponse,
    NodeExists,
    NodeNotFound,
    ServerError,
    StructureFamily,
    TableClient,
    TableStructure,
    TransportError,
    Unauthorized,
    Unavailable,
    from_uri,
)
from tiled_client import tables as frames
from tiled_client.documents import Resource
from tiled_client.http.async_session import AsyncClientSession
from tiled_client.http.client import HttpClient
from tiled_client.http.retries import Backoff, RetryPolicy
from tiled_client.http.session import ClientSession

OK = Reply(value=None)
NOT_NOW = Reply(503, {"detail": "starting"}, {"Retry-After": "0"})


def array(peer: HttpPeer, **options: Any) -> ArrayClient:
    structure = ArrayStructure.from_array(np.zeros(3, "<i8"))
    resource = Resource(family="array", structure=structure)
    return ArrayClient(ClientSession(peer.http(**options)), ("x",), resource)


def table(peer: HttpPeer, **options: Any) -> TableClient:
    pa = pytest.importorskip("pyarrow")
    structure = TableStructure.from_schema(pa.schema([("a", pa.int64())]))
    return TableClient(
        ClientSession(peer.http(**options)), ("t",), Resource(family="table", structure=structure)
    )


def container(peer: HttpPeer, **options: Any) -> Container:
    return Container(ClientSession(peer.http(**options)), (), Resource(family="container"))


@pytest.mark.parametrize("size", [10, 20_000_000])
async def test_a_server_that_receives_nothing_is_waited_for_as_long_as_set(size: int) -> None:
    options = HttpOptions(connect_timeout=0.2, read_timeout=0.6, give_up_after=0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        http = HttpClient(f"http://127.0.0.1:{listener.getsockname()[1]}", options=options)
        asynchronous = AsyncClientSession(ClientSession(http))
        body = ("PUT", "array/full", ("x",), bytes(size), "application/octet-stream")
        for send in (
            lambda: asyncio.to_thread(http.send, *body),
            lambda: asynchronous.requests.send(*body),
        ):
            started = time.monotonic()
            with pytest.raises(TransportError, match="read_timeout"):
                await asyncio.wait_for(send(), 20)
            assert time.monotonic() - started > 0.5
        await asynchronous.close()


def test_credentials_and_content_type_are_sent(http_peer: HttpPeer) -> None:
    http_peer.gives(OK)
    array(http_peer).write([1, 2, 3], persist=False)
    (sent,) = http_peer.exchanges
    assert (sent.method, sent.path) == ("PUT", "/api/v1/array/full/x")
    assert sent.headers["Authorization"] == "Apikey key"
    assert sent.headers["Content-Type"] == "application/octet-stream"
    assert sent.query == {"persist": ["false"]}
    assert sent.body == np.array([1, 2, 3], "<i8").tobytes()


@pytest.mark.parametrize("count", [20, 20_000])
def test_a_read_that_breaks_is_repeated_from_the_start(http_peer: HttpPeer, count: int) -> None:
    values = np.arange(count, dtype="<i8")
    structure = ArrayStructure.from_array(values)
    node = ArrayClient(
        ClientSession(http_peer.http()), ("x",), Resource(family="array", structure=structure)
    )
    http_peer.gives(Reply(body=values[::-1].tobytes(), cut=True), Reply(body=values.tobytes()))
    assert np.array_equal(node.read(), values)
    assert len(http_peer.exchanges) == 2
    assert node.read().flags.writeable


def test_persist_is_not_mentioned_when_it_is_the_default(http_peer: HttpPeer) -> None:
    http_peer.gives(OK)
    array(http_peer).patch([9], offset=1)
    assert http_peer.exchanges[0].query == {"offset": ["1"], "shape": ["1"], "extend": ["false"]}


def test_a_write_is_repeated_while_the_server_fails(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(500), Reply(cut=True), Reply(502), OK)
    array(http_peer).write([1, 2, 3])
    assert len({(e.path, e.body) for e in http_peer.exchanges}) == 1
    assert len(http_peer.exchanges) == 4


def test_a_request_that_makes_the_server_fail_is_given_up_on(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(500, {"detail": "boom"}))
    with pytest.raises(ServerError, match="boom"):
        array(http_peer).write([1, 2, 3])
    assert len(http_peer.exchanges) == RetryPolicy().attempts_at_failure


def test_a_server_that_stays_busy_is_given_up_on(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(503, {"detail": "starting"}, {"Retry-After": "60"}))
    with pytest.raises(Unavailable, match="starting") as caught:
        array(http_peer).read()
    assert caught.value.retry_after == 60
    assert len(http_peer.exchanges) == 1


@pytest.mark.parametrize(
    "reply", [Reply(500), Reply(502), Reply(cut=True)], ids=["500", "502", "cut"]
)
def test_an_append_is_not_retried_if_it_may_have_succeeded(
    http_peer: HttpPeer, reply: Reply
) -> None:
    http_peer.gives(reply)
    with pytest.raises((ServerError, TransportError)):
        table(http_peer).append({"a": [1]})
    with pytest.raises((ServerError, TransportError)):
        array(http_peer).patch([4], offset=3, extend=True)
    assert len(http_peer.exchanges) == 2


@pytest.mark.parametrize(
    "reply", [NOT_NOW, Reply(429, {"detail": "slow down"})], ids=["503", "429"]
)
def test_an_append_is_retried_if_it_was_certainly_not_executed(
    http_peer: HttpPeer, reply: Reply
) -> None:
    http_peer.gives(reply, OK)
    table(http_peer).append({"a": [1]})
    assert [e.method for e in http_peer.exchanges] == ["PATCH", "PATCH"]


def test_an_append_is_retried_with_the_same_idempotency_key(
    http_peer: HttpPeer,
) -> None:
    http_peer.gives(Reply(cut=True), Reply(502), OK)
    adding = table(http_peer, supports_idempotency=True)
    adding.append({"a": [1]})
    adding.append({"a": [1]})
    keys = [exchange.headers["Idempotency-Key"] for exchange in http_peer.exchanges]
    assert keys[0] == keys[1] == keys[2] != keys[3]


def test_a_refused_connection_is_tried_again_for_a_while() -> None:
    with HttpPeer() as peer:
        nobody_there = peer.root
    http = HttpClient(nobody_there, retries=RetryPolicy(deadline=0.5))
    with pytest.raises(TransportError) as caught:
        http.send("PATCH", "table/partition", ("t",), b"", "x", repeatable=False)
    assert caught.value.unprocessed


@pytest.mark.parametrize(
    ("status", "error", "also"),
    [(404, NodeNotFound, KeyError), (409, Conflict, Exception), (422, Invalid, ValueError)],
)
def test_a_refusal_carries_status_and_detail_and_is_not_repeated(
    http_peer: HttpPeer, status: int, error: type[Exception], also: type[Exception]
) -> None:
    http_peer.gives(Reply(status, {"detail": "because"}))
    with pytest.raises(error, match="because") as caught:
        array(http_peer).read()
    assert isinstance(caught.value, also)
    assert caught.value.status == status  # type: ignore[attr-defined]
    assert len(http_peer.exchanges) == 1


def test_a_create_whose_answer_was_lost_adopts_its_own_node(http_peer: HttpPeer) -> None:
    attributes = {"structure_family": "container", "metadata": {"a": 1}, "specs": []}
    found = Reply(value={"data": {"id": "c", "attributes": attributes}})
    http_peer.gives(Reply(cut=True), Reply(409, {"detail": "/c"}), found)
    made = container(http_peer).create_container("c", metadata={"a": np.int64(1)})
    assert (made.path, made.metadata) == (("c",), {"a": 1})


def test_a_node_like_the_own_is_anothers_where_the_server_supports_idempotency(
    http_peer: HttpPeer,
) -> None:
    attributes = {"structure_family": "container", "metadata": {}, "specs": []}
    found = Reply(value={"data": {"id": "c", "attributes": attributes}})
    http_peer.gives(Reply(cut=True), Reply(409, {"detail": "/c"}), found)
    with pytest.raises(NodeExists, match="A node 'c' already exists in /"):
        container(http_peer, supports_idempotency=True).create_container("c")
    first, second = (e.headers["Idempotency-Key"] for e in http_peer.exchanges)
    assert first == second


def test_a_stream_is_closed_under_a_key_that_stays_when_it_is_repeated(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(cut=True), OK, OK)
    closing = array(http_peer)
    closing.close_stream()
    closing.close_stream()
    keys = [exchange.headers["Idempotency-Key"] for exchange in http_peer.exchanges]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("lost", [Reply(cut=True), NOT_NOW, Reply(503)], ids=["cut", "503", "?"])
def test_a_conflict_with_the_first_attempt_is_a_success(http_peer: HttpPeer, lost: Reply) -> None:
    attributes = {"structure_family": "container", "metadata": {}, "specs": []}
    found = Reply(value={"data": {"id": "c", "attributes": attributes}})
    http_peer.gives(lost, Reply(409, {"detail": "/c"}), found)
    made = container(http_peer).create_container("c")
    http_peer.gives(lost, Reply(404, {"detail": "No such entry"}))
    made.delete()
    http_peer.gives(Reply(404, {"detail": "No such entry"}))
    with pytest.raises(NodeNotFound):
        made.delete()


def test_data_that_are_only_streamed_have_an_idempotency_key(
    http_peer: HttpPeer,
) -> None:
    http_peer.gives(Reply(503), OK)
    array(http_peer).write([1, 2, 3], persist=False)
    first, second = (e.headers["Idempotency-Key"] for e in http_peer.exchanges)
    assert first == second


@pytest.mark.parametrize("first", [[], [Reply(cut=True)]], ids=["at first", "not its own"])
def test_a_create_that_meets_the_node_of_another_is_a_conflict(
    http_peer: HttpPeer, first: list[Reply]
) -> None:
    attributes = {"structure_family": "container", "metadata": {"a": 2}, "specs": []}
    found = Reply(value={"data": {"id": "c", "attributes": attributes}})
    http_peer.gives(*first, Reply(409, {"detail": "/c"}), found)
    with pytest.raises(NodeExists, match="A node 'c' already exists in /"):
        container(http_peer).create_container("c", metadata={"a": 1})


@pytest.mark.parametrize("shape", [(3,), (4,)], ids=["alike", "of another shape"])
def test_a_node_of_another_client_is_never_deleted(
    http_peer: HttpPeer, shape: tuple[int, ...]
) -> None:
    structure = ArrayStructure.from_array(np.zeros(shape)).to_json()
    attributes = {"structure_family": "array", "metadata": {}, "structure": structure}
    found = Reply(value={"data": {"id": "x", "attributes": attributes}})
    http_peer.gives(NOT_NOW, Reply(409, {"detail": "/x"}), found, Reply(422, {"detail": "no"}))
    with pytest.raises(Invalid if shape == (3,) else Conflict):
        container(http_peer).write_array(np.zeros(3), key="x")
    assert {exchange.method for exchange in http_peer.exchanges} <= {"POST", "GET", "PUT"}


def test_files_that_exist_are_registered(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(value={"id": "x", "data_sources": [], "links": {}}))
    source = tiled_client.DataSource(
        StructureFamily.array,
        ArrayStructure.from_array(np.zeros(3)),
        mimetype="image/tiff",
        assets=[tiled_client.Asset("file://localhost/x.tiff", is_directory=False)],
        management=tiled_client.Management.external,
    )
    container(http_peer).new(StructureFamily.array, [source], key="x")
    assert http_peer.exchanges[0].path == "/api/v1/register/"


def test_pages_are_followed_by_the_query_of_their_links(http_peer: HttpPeer) -> None:
    def page(keys: list[str], following: str | None) -> Reply:
        items = [
            {"id": key, "attributes": {"structure_family": "container", "metadata": {}}}
            for key in keys
        ]
        return Reply(value={"data": items, "links": {"next": following}, "meta": {"count": 3}})

    # As a server says it that believes to be somewhere else.
    http_peer.gives(page(["a", "b"], "http://inside/search/?page[cursor]=2"), page(["c"], None))
    assert [(k, n.path) for k, n in container(http_peer).items()] == [
        ("a", ("a",)),
        ("b", ("b",)),
        ("c", ("c",)),
    ]
    assert http_peer.exchanges[1].query == {"page[cursor]": ["2"]}


def test_an_array_that_grew_meanwhile_is_read_at_its_new_length(http_peer: HttpPeer) -> None:
    grown = np.arange(5, dtype="<i8")
    attributes = {
        "structure_family": "array",
        "structure": ArrayStructure.from_array(grown).to_json(),
        "metadata": {},
    }
    body = Reply(body=grown.tobytes())
    http_peer.gives(body, Reply(value={"data": {"id": "x", "attributes": attributes}}), body)
    np.testing.assert_array_equal(array(http_peer).read(), grown)


def test_a_column_list_too_long_for_a_url_goes_into_the_body(http_peer: HttpPeer) -> None:
    pa = pytest.importorskip("pyarrow")
    names = [f"a_rather_long_name_{n}" for n in range(100)]
    rows = pa.table({name: [1] for name in names})
    structure = TableStructure.from_schema(rows.schema)
    client = TableClient(
        ClientSession(http_peer.http()), ("t",), Resource(family="table", structure=structure)
    )
    http_peer.gives(Reply(body=bytes(frames.encode(rows))))
    assert list(client.read(names).columns) == names
    assert http_peer.exchanges[0].method == "POST"


def test_a_server_that_is_not_tiled_is_recognized(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(body=b"<html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(InvalidResponse, match="is this the URL of a Tiled server"):
        from_uri(http_peer.root)


ABOUT = Reply(value={"api_version": 0, "authentication": {"required": True}})
ROOT = Reply(
    value={"data": {"id": "", "attributes": {"structure_family": "container", "metadata": {}}}}
)


def test_no_request_is_made_without_a_required_key(
    http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TILED_API_KEY", raising=False)
    http_peer.gives(ABOUT)
    with pytest.raises(Unauthorized, match="requires an API key: pass api_key"):
        from_uri(http_peer.root)


@pytest.mark.parametrize(
    ("in_uri", "argument", "environment", "sent"),
    [("", "a", "c", "a"), ("?api_key=b", None, "c", "b"), ("", None, "c", "c")],
)
def test_the_key_is_the_argument_else_in_the_uri_else_in_the_environment(
    http_peer: HttpPeer,
    monkeypatch: pytest.MonkeyPatch,
    in_uri: str,
    argument: str | None,
    environment: str,
    sent: str,
) -> None:
    monkeypatch.setenv("TILED_API_KEY", environment)
    http_peer.gives(ABOUT, ROOT)
    from_uri(http_peer.root + in_uri, argument)
    assert "Authorization" not in http_peer.exchanges[0].headers
    assert http_peer.exchanges[1].headers["Authorization"] == f"Apikey {sent}"


def test_two_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="given twice"):
        from_uri("http://localhost:1?api_key=a", "b")


def test_connections_are_kept_and_not_shared_between_threads(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(body=bytes(24)))
    client = array(http_peer)
    sessions = set()

    def read() -> None:
        client.read()
        client.read()
        sessions.add(id(client._http.transport.pool().session()))

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sessions) == 3


def test_a_forked_process_makes_connections_of_its_own(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(body=bytes(24)))
    client = array(http_peer)
    client.read()
    pid = os.fork()
    if pid == 0:
        blocks = client._http.map(lambda _: client.read().tolist(), range(3))
        os._exit(0 if blocks == [[0, 0, 0]] * 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_waits_grow_up_to_a_limit_and_are_left_to_chance() -> None:
    backoff = Backoff(base=1, cap=8)
    waits = [backoff.next() for _ in range(50)]
    assert all(min(8, 2**n) / 2 <= wait <= min(8, 2**n) for n, wait in enumerate(waits))
    assert len(set(waits[10:])) > 30
    assert backoff.next(20) == 20
