"""Producers write only while they may: keys that are revoked, permissions that change."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from asgiref.sync import sync_to_async
from channels.testing import ApplicationCommunicator
from django.db import connections
from websockets.exceptions import ConnectionClosed, InvalidStatus

from catalog.services.nodes.tags import tag_nodes
from streaming.ingest.threads import in_thread
from streaming.sockets.consumers.ingest import IngestConsumer
from tests.catalog.conftest import Api
from tests.catalog.factories import NUMBERS, make, people
from tests.catalog.factories import Site as PeoplesSite
from tests.servers import RunningServer
from tiled_client.wire.ingest import decode_reply, encode_header
from tiled_client.wire.structures import ArrayStructure
from tiled_client.wire.subprotocols import INGEST

from ..sockets.test_revocation import REVOKED, SOON, new_keys, revoke
from ..websocket_client import Site
from .producer import PRODUCER, producing, row


def test_a_revoked_key_ends_the_connection_and_one_that_only_reads_has_none(
    server: RunningServer,
) -> None:
    site = Site(server)
    path = site.array((0, 0))
    writer, reader = new_keys(site, "write:data,read:metadata", "read:data,read:metadata")
    with pytest.raises(InvalidStatus) as rejected, producing(site, key=reader):
        pass
    assert rejected.value.response.status_code == 401
    with producing(site, key=writer) as producer:
        producer.open(1, path)
        producer.send(row(1, 1), op="write", handle=1, sequence=1)
        producer.until_applied(1, 1)
        revoke(site, writer)
        begun = time.monotonic()
        with pytest.raises(ConnectionClosed) as closed:
            producer.next()
        assert time.monotonic() - begun < SOON
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == REVOKED


def test_nodes_are_created_and_registered_with_the_scopes_of_http_only(
    server: RunningServer,
) -> None:
    site = Site(server)
    writes = "write:data,read:metadata"
    writer, creator = new_keys(site, writes, f"{writes},write:metadata,create:node")
    asset = {"data_uri": "file://localhost/x.npy", "is_directory": False}
    source = {
        "structure_family": "array",
        "structure": ArrayStructure.from_array(np.zeros(2)).to_json(),
        "mimetype": "application/x-npy",
        "assets": [asset],
        "management": "external",
    }
    container = {"structure_family": "container"}
    files = {"structure_family": "array", "data_sources": [source]}
    asked = {"op": "create", "path": "", "producer": PRODUCER}
    with producing(site, key=writer) as producer:
        producer.send(json.dumps(container).encode(), handle=1, key="a", **asked)
        assert producer.next()["status"] == 401
    with producing(site, key=creator) as producer:
        producer.send(json.dumps(container).encode(), handle=1, key="b", **asked)
        assert producer.next()["type"] == "opened"
        producer.send(json.dumps(files).encode(), handle=2, key="c", **asked)
        error = producer.next()
        assert (error["status"], "register" in error["detail"]) == (401, True)
        body = json.dumps({"data_source": source}).encode()
        producer.send(body, op="data_source", handle=1, sequence=1)
        while (reply := producer.next())["type"] != "error":
            pass
        assert reply["status"] == 401


class Visitor(ApplicationCommunicator):
    """A producer in this process."""

    def __init__(self, api: Api) -> None:
        headers = [(b"host", b"h"), (b"authorization", f"Apikey {api.key}".encode())]
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "url_route": {"kwargs": {"path": ""}},
            "query_string": b"",
            "headers": headers,
            "subprotocols": [INGEST],
            "extensions": {"websocket.http.response": {}},
        }
        super().__init__(IngestConsumer.as_asgi(), scope)

    async def write(self, payload: bytes = b"", **header: Any) -> dict[str, Any]:
        """Send a frame, and return the next reply."""
        await self.send_input(
            {"type": "websocket.receive", "bytes": encode_header(header) + payload}
        )
        return await self.next()

    async def next(self) -> dict[str, Any]:
        return decode_reply((await self.receive_output(5))["bytes"])


@pytest.fixture
async def peoples(transactional_db: None) -> AsyncIterator[PeoplesSite]:
    context = people()
    yield await sync_to_async(context.__enter__)()
    await sync_to_async(context.__exit__)(None, None, None)
    await in_thread(connections.close_all)
    await sync_to_async(connections.close_all)()


async def test_a_producer_that_may_not_write_any_more_is_stopped(peoples: PeoplesSite) -> None:
    await sync_to_async(make)(peoples.alice, "shared", ["mx"], "array")
    await sync_to_async(make)(peoples.alice, "own", None, "array")
    visitor = Visitor(peoples.bob)
    await visitor.send_input({"type": "websocket.connect"})
    assert (await visitor.receive_output(5))["type"] == "websocket.accept"
    assert (await visitor.next())["type"] == "hello"
    hidden = await visitor.write(op="open", handle=1, path="own", producer=PRODUCER)
    assert (hidden["type"], hidden["status"], hidden["stopped"]) == ("error", 404, True)
    assert (await visitor.next())["type"] == "ack"
    opened = await visitor.write(op="open", handle=2, path="shared", producer=PRODUCER)
    assert opened["type"] == "opened"
    frame = NUMBERS.tobytes()
    assert (await visitor.write(frame, op="write", handle=2, sequence=1))["applied"] == 1
    await sync_to_async(tag_nodes)(path="shared", tags=["user:alice"], recursive=False)
    stopped = await visitor.next()
    assert (stopped["type"], stopped["handle"], stopped["status"]) == ("error", 2, 404)
    assert (await visitor.next())["applied"] == 1
    await visitor.send_input({"type": "websocket.disconnect", "code": 1000})
    await visitor.wait()
