"""The ingest endpoint at real servers: order, acknowledgements, failures, repetition, limits."""

from __future__ import annotations

import json
from typing import Any

import awkward
import msgpack
import numpy as np
import pyarrow as pa
import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.servers import RunningServer
from tiled_client import from_uri
from tiled_client.wire.buffers import ragged_body
from tiled_client.wire.ingest import encode_header
from tiled_client.wire.sparse import Coo

from ..websocket_client import ARROW, KEY, OCTETS, Site, arrow_file
from .producer import PRODUCER, producing, row

SERVERS = ["server", "runserver"]


@pytest.fixture
def site(server: RunningServer) -> Site:
    return Site(server)


def stored(site: Site, path: str, dtype: str = "<i8") -> list[int]:
    response = site.http("GET", f"/array/full/{path}", headers={"Accept": OCTETS})
    return [int(value) for value in np.frombuffer(response.content, dtype)]


def updates(site: Site, path: str) -> list[dict[str, Any]]:
    """Return all updates of a node, whose stream ends here, without what differs each time."""
    site.close(path)
    found = []
    with site.socket(f"/{path}?envelope_format=msgpack&start=0") as live:
        live.next()
        while True:
            try:
                message = live.next()
            except ConnectionClosed:
                return found
            found.append({k: v for k, v in message.items() if k not in ("timestamp", "epoch")})


@pytest.mark.parametrize("name", SERVERS)
def test_frames_are_applied_in_order_to_several_nodes(
    name: str, request: pytest.FixtureRequest
) -> None:
    site = Site(request.getfixturevalue(name))
    first, second = site.array((0, 0)), site.array((0, 0))
    with producing(site) as producer:
        opened = producer.open(1, first)
        assert (opened["type"], opened["path"], opened["applied"]) == ("opened", first, 0)
        producer.open(2, second)
        for n in range(1, 101):
            producer.send(row(n, n), op="write", handle=1, sequence=n, persist=n % 10 == 0)
            producer.send(row(n, -n), op="write", handle=2, sequence=n, persist=False)
        producer.until_applied(1, 100)
        if not any(r.get("handle") == 2 and r.get("applied") == 100 for r in producer.replies):
            producer.until_applied(2, 100)
        assert not [reply for reply in producer.replies if reply["type"] == "error"]
    assert stored(site, first) == [100, 100]
    assert stored(site, second) == [0, 0]
    for path, sign in ((first, 1), (second, -1)):
        payloads = [np.frombuffer(one["payload"], "<i8").tolist() for one in updates(site, path)]
        assert payloads == [[n, sign * n] for n in range(1, 101)]


@pytest.mark.parametrize("persist", [True, False])
def test_subscribers_receive_the_same_as_of_http_requests(site: Site, persist: bool) -> None:
    query = "" if persist else "&persist=False"
    table = pa.table({"a": [1, 2]})
    paths = [[site.array((1, 2)), site.table(table)] for _ in range(2)]
    octets, arrow = {"Content-Type": OCTETS}, {"Content-Type": ARROW}
    array, rows = paths[0]
    site.done("PUT", f"/array/full/{array}?{query}", data=row(5, 6), headers=octets)
    site.done("PUT", f"/array/block/{array}?block=0{query}", data=row(7, 8), headers=octets)
    where = f"offset=2&shape=2&extend=true{query}"
    site.done("PATCH", f"/array/full/{array}?{where}", data=row(9, 10), headers=octets)
    site.done(
        "PATCH",
        f"/table/partition/{rows}?partition=0{query}",
        data=arrow_file(table),
        headers=arrow,
    )
    array, rows = paths[1]
    with producing(site) as producer:
        producer.open(1, array)
        producer.open(2, rows)
        more: dict[str, Any] = {"handle": 1, "persist": persist}
        producer.send(row(5, 6), op="write", sequence=1, **more)
        producer.send(row(7, 8), op="block", block=[0], sequence=2, **more)
        producer.send(
            row(9, 10), op="patch", offset=[2], shape=[2], extend=True, sequence=3, **more
        )
        producer.until_applied(1, 3)
        producer.send(arrow_file(table), op="append", handle=2, sequence=1, persist=persist)
        producer.until_applied(2, 1)
    assert stored(site, paths[0][0]) == stored(site, paths[1][0])
    for one, other in zip(*paths, strict=True):
        assert updates(site, one) == updates(site, other)


@pytest.mark.parametrize("persist", [True, False])
def test_a_bad_frame_fails_alone(site: Site, persist: bool) -> None:
    path = site.array((0, 0))
    more: dict[str, Any] = {"op": "write", "handle": 1, "persist": persist}
    with producing(site) as producer:
        producer.open(1, path)
        producer.send(row(1, 1), sequence=1, **more)
        producer.send(row(2), sequence=2, **more)
        producer.send(row(3, 3), sequence=3, **{**more, "shape": "wide"})
        producer.send(row(4, 4), sequence=4, encoding="lzma", **more)
        producer.send(row(5, 5), sequence=5, **{**more, "op": "block"})
        producer.send(row(6, 6), sequence=6, **more)
        replies = producer.until_applied(1, 6)
    failed = {r["sequence"]: (r["status"], r["stopped"]) for r in replies if r["type"] == "error"}
    assert failed == {2: (422, False), 3: (422, False), 4: (415, False), 5: (422, False)}
    written = [np.frombuffer(one["payload"], "<i8")[0] for one in updates(site, path)]
    assert written == [1, 6]


@pytest.mark.parametrize("persist", [True, False])
def test_a_frame_that_is_sent_again_is_applied_once(site: Site, persist: bool) -> None:
    path = site.array(np.zeros((1, 2), "<i8"))
    fields: dict[str, Any] = {"op": "patch", "handle": 1, "shape": [1, 2], "extend": True}
    with producing(site) as producer:
        producer.open(1, path)
        for n in (1, 2, 3):
            producer.send(row(n, n), sequence=n, offset=[n, 0], persist=persist, **fields)
        producer.until_applied(1, 3)
    with producing(site) as producer:
        # As a client does that has received no acknowledgement.
        opened = producer.open(1, path)
        assert opened["applied"] == (3 if persist else 0)
        for n in (1, 2, 3, 4):
            producer.send(row(n, n), sequence=n, offset=[n, 0], persist=persist, **fields)
        replies = producer.until_applied(1, 4)
        assert not [reply for reply in replies if reply["type"] == "error"]
    payloads = [np.frombuffer(one["payload"], "<i8")[0] for one in updates(site, path)]
    assert payloads == [1, 2, 3, 4]


def test_a_missing_sequence_stops_the_node_until_it_is_opened_again(site: Site) -> None:
    path = site.array((0, 0))
    with producing(site) as producer:
        producer.open(1, path)
        producer.send(row(2, 2), op="write", handle=1, sequence=2)
        error = producer.next()
        assert (error["status"], error["code"], error["stopped"]) == (409, "sequence", True)
        assert producer.next()["applied"] == 0
        producer.send(row(3, 3), op="write", handle=1, sequence=3)
        assert producer.open(1, path)["applied"] == 0
        producer.send(row(1, 1), op="write", handle=1, sequence=1)
        producer.until_applied(1, 1)
    assert stored(site, path) == [1, 1]


@pytest.mark.parametrize("name", SERVERS)
def test_frames_beyond_the_window_wait_and_the_producer_is_told(
    name: str, request: pytest.FixtureRequest
) -> None:
    site = Site(request.getfixturevalue(name))
    path = site.array((0,))
    with producing(site) as producer:
        producer.open(1, path)
        count = 3 * producer.hello["window_frames"]
        for n in range(1, count + 1):
            producer.send(row(n), op="write", handle=1, sequence=n, persist=False)
        replies = producer.until_applied(1, count)
    notices = [reply for reply in replies if reply["type"] == "notice"]
    assert [notice["status"] for notice in notices] in ([429], [])
    assert len(updates(site, path)) == count


@pytest.mark.parametrize("name", SERVERS)
def test_large_frames_are_applied(name: str, request: pytest.FixtureRequest) -> None:
    site = Site(request.getfixturevalue(name))
    frame = np.arange(400_000, dtype="<i8")
    path = site.array(frame)
    with producing(site) as producer:
        producer.open(1, path)
        for n in (1, 2):
            producer.send((frame + n).tobytes(), op="write", handle=1, sequence=n, persist=n == 2)
        producer.until_applied(1, 2)
    assert stored(site, path)[:2] == [2, 3]
    assert [len(one["payload"]) for one in updates(site, path)] == [frame.nbytes] * 2


def test_a_node_is_created_once_and_opened(site: Site) -> None:
    structure = {
        "data_type": {"endianness": "little", "kind": "i", "itemsize": 8},
        "shape": [2],
        "chunks": [[2]],
    }
    draft = {
        "structure_family": "array",
        "metadata": {"by": "frame"},
        "data_sources": [{"structure_family": "array", "structure": structure}],
    }
    request = {"op": "create", "handle": 1, "path": "", "producer": PRODUCER, "key": "one"}
    made = []
    for _ in range(2):
        with producing(site) as producer:
            producer.send(json.dumps(draft).encode(), **request)
            producer.send(row(1, 2), op="write", handle=1, sequence=1)
            made.append(producer.next()["path"])
            producer.until_applied(1, 1)
    assert made[0] == made[1]
    assert stored(site, made[0]) == [1, 2]


def test_metadata_and_the_end_of_a_stream_are_frames_too(site: Site) -> None:
    path = site.array((0, 0))
    with site.socket(f"/{path}?envelope_format=msgpack") as live, producing(site) as producer:
        live.next()
        producer.open(1, path)
        body = json.dumps({"metadata": {"sample": "Ag"}}).encode()
        producer.send(row(1, 1), op="write", handle=1, sequence=1, persist=False)
        producer.send(body, op="metadata", handle=1, sequence=2)
        producer.send(op="close", handle=1, sequence=3)
        producer.until_applied(1, 3)
        assert live.next()["type"] == "array-data"
        assert live.closing()[0] == 1000
    node = site.done("GET", f"/metadata/{path}")["data"]["attributes"]
    assert node["metadata"] == {"sample": "Ag"}


def test_a_deleted_node_stops_its_frames_only(site: Site) -> None:
    gone, there = site.array((0,)), site.array((0,))
    with producing(site) as producer:
        producer.open(1, gone)
        producer.open(2, there)
        site.done("DELETE", f"/metadata/{gone}?external_only=false")
        producer.send(row(1), op="write", handle=1, sequence=1)
        error = producer.next()
        assert (error["status"], error["stopped"]) == (404, True)
        producer.send(row(1), op="write", handle=2, sequence=1)
        producer.until_applied(2, 1)
    assert stored(site, there) == [1]


def test_a_frame_without_an_open_handle_closes_the_connection(site: Site) -> None:
    for message in (b"", b"\0\0\0\1\xc1", msgpack.packb({"op": "write"})):
        with producing(site) as producer:
            producer.connection.send(message)
            with pytest.raises(ConnectionClosed) as closed:
                producer.next()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4000
    with producing(site) as producer:
        producer.send(row(1), op="write", handle=7, sequence=1)
        with pytest.raises(ConnectionClosed, match="handle 7 is not open"):
            producer.next()


def test_a_client_must_offer_the_protocol_and_be_able_to_write(site: Site) -> None:
    with pytest.raises(InvalidStatus) as rejected, producing(site, subprotocols=[]):
        pass
    assert rejected.value.response.status_code == 400
    with pytest.raises(InvalidStatus) as rejected, producing(site, key="wrong"):
        pass
    assert rejected.value.response.status_code == 401


def test_credentials_may_be_in_the_first_message(site: Site) -> None:
    path = site.array((0,))
    with producing(site, key=None, first=json.dumps({"type": "auth", "api_key": KEY})) as producer:
        producer.open(1, path)
        producer.send(row(1), op="write", handle=1, sequence=1)
        producer.until_applied(1, 1)
    assert stored(site, path) == [1]


def test_a_request_carries_out_all_frames_of_its_body(site: Site) -> None:
    first, second = site.array((0, 0)), site.array((0, 0))

    def body(*frames: tuple[dict[str, Any], bytes]) -> bytes:
        whole = [encode_header(header) + payload for header, payload in frames]
        return b"".join(len(one).to_bytes(8) + one for one in whole)

    def post(content: bytes) -> Any:
        return site.http(
            "POST", "/ingest", data=content, headers={"Content-Type": "application/x-msgpack"}
        )

    opening = [
        ({"op": "open", "handle": n, "path": path, "producer": PRODUCER}, b"")
        for n, path in enumerate((first, second), 1)
    ]
    writes = [
        ({"op": "write", "handle": n % 2 + 1, "sequence": n // 2 + 1}, row(n, n)) for n in range(6)
    ]
    bad = ({"op": "write", "handle": 1, "sequence": 4}, row(1))
    for repeated in (False, True):
        response = post(body(*opening, *writes, bad))
        assert response.status_code == 200, response.text
        replies = msgpack.unpackb(response.content)
        assert [reply["applied"] for reply in replies if reply["type"] == "opened"] == (
            [3, 3] if repeated else [0, 0]
        )
        (error,) = [reply for reply in replies if reply["type"] == "error"]
        assert (error["handle"], error["sequence"], error["status"]) == (1, 4, 422)
        acks = {reply["handle"]: reply["applied"] for reply in replies if reply["type"] == "ack"}
        assert acks == {1: 4, 2: 3}
    assert [stored(site, path) for path in (first, second)] == [[4, 4], [5, 5]]
    assert len(updates(site, first)) == len(updates(site, second)) == 3
    for content in (b"short", body(*opening)[:-1], body(writes[0])):
        assert post(content).status_code == 400
    denied = requests.post(f"{site.api}/ingest", data=b"", timeout=10)
    assert denied.status_code == 401


def test_other_families_are_written_once_too(site: Site) -> None:
    client = from_uri(site.server.uri, api_key=KEY)
    ragged = client.write_ragged([[1, 2], [3]])
    sparse = client.write_sparse(np.array([[0], [1]]), np.array([5]), (2, 2))
    rows = ragged_body(awkward.Array([[4, 5, 6]]))
    other = Coo(np.array([[1], [1]]), np.array([7]), (2, 2)).to_arrow()
    for _ in range(2):
        with producing(site) as producer:
            for handle, node in enumerate((ragged, sparse), 1):
                producer.open(handle, "/".join(node.path))
            producer.send(bytes(rows), op="append", handle=1, sequence=1)
            assert not [r for r in producer.until_applied(1, 1) if r["type"] == "error"]
            producer.send(arrow_file(other), op="write", handle=2, sequence=1)
            assert not [r for r in producer.until_applied(2, 1) if r["type"] == "error"]
            producer.send(arrow_file(other), op="append", handle=2, sequence=2)
            failed = [r for r in producer.until_applied(2, 2) if r["type"] == "error"]
            assert [reply["status"] for reply in failed] == [422]
    ragged.refresh()
    assert ragged.read().tolist() == [[1, 2], [3], [4, 5, 6]]
    assert sparse.read().todense().tolist() == [[0, 0], [0, 7]]
