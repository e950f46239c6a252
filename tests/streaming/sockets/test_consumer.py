"""The consumer in this process, for cases that need settings of their own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgpack
import numpy as np
import pytest
from asgiref.sync import sync_to_async
from channels.testing import ApplicationCommunicator
from django.conf import LazySettings
from django.db import connections

from catalog import events
from catalog.models import DataSource, Node
from core.errors import Unavailable
from streaming.reading import site_reader
from streaming.redis.embedded_valkey import EmbeddedValkey
from streaming.sockets.consumers.single import SingleStreamConsumer
from streaming.writing import outbox
from tests.conftest import API_KEY
from tiled_client.wire.dtypes import dtype_from_json
from tiled_client.wire.structure_family import StructureFamily
from tiled_client.wire.structures import ArrayStructure

KEY = {"authorization": "Apikey secret", "host": "h"}


class Visitor(ApplicationCommunicator):
    """A client without a network."""

    def __init__(self, node: Node, query: str = "", headers: dict[str, str] = KEY, **kwargs: Any):
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "url_route": {"kwargs": {"path": node.path}},
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "extensions": {"websocket.http.response": {}},
        }
        super().__init__(SingleStreamConsumer.as_asgi(**kwargs), scope)

    async def knock(self) -> dict[str, Any]:
        """Send the handshake; return the first event of the answer."""
        await self.send_input({"type": "websocket.connect"})
        return await self.receive_output(5)

    async def denial(self) -> tuple[int, Any, dict[bytes, bytes]]:
        """Return status, body and headers of a rejected handshake."""
        start = await self.knock()
        body = await self.receive_output(5)
        await self.send_input({"type": "websocket.disconnect", "code": 1006})
        await self.wait()
        return start["status"], json.loads(body["body"]), dict(start["headers"])

    async def next(self) -> Any:
        """Return the next message."""
        sent = await self.receive_output(5)
        return json.loads(sent["text"]) if "text" in sent else msgpack.unpackb(sent["bytes"])

    async def go(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait()


@pytest.fixture(autouse=True)
async def no_connection_is_left(transactional_db: None) -> AsyncIterator[None]:
    """Close database connections, as a server does and the test communicator does not."""
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def array(transactional_db: None) -> Node:
    """Create an array in external files."""
    root, _ = Node.objects.get_or_create(
        path="", defaults={"key": "", "structure_family": "container"}
    )
    node = Node.objects.create(parent=root, key="a b", path="a b", structure_family="array")
    structure = ArrayStructure.from_array(np.zeros((3, 2), "u1"))
    DataSource.objects.create(
        node=node,
        structure_family="array",
        structure=structure.to_json(),
        mimetype="image/tiff",
        management="external",
    )
    return node


@pytest.fixture(autouse=True)
async def no_reader_left() -> AsyncIterator[None]:
    """Stop the reader that a subscription has started on the event loop of the test."""
    yield
    started = site_reader.running_reader()
    if started is not None:
        await started.stop()


def change(settings: LazySettings, section: str, **values: Any) -> None:
    changed = getattr(settings.TILED, section).model_copy(update=values)
    settings.TILED = settings.TILED.model_copy(update={section: changed})


async def test_a_reference_gets_its_uri_when_it_is_sent(array: Node) -> None:
    visitors = [Visitor(array), Visitor(array, "envelope_format=msgpack")]
    for visitor in visitors:
        assert (await visitor.knock())["type"] == "websocket.accept"
        assert (await visitor.next())["type"] == "array-schema"
    source = {
        "id": 1,
        "management": "external",
        "assets": [{"data_uri": "file:///a/f", "num": None}],
    }
    patch = {"offset": (2, 0), "shape": (1, 2)}
    event = events.DataSourceUpdated(array.ref, data_source=source, patch=patch, shape=(3, 2))
    await sync_to_async(events.announce)(event)
    written = events.ArrayWritten(
        array.ref, "application/octet-stream", (2,), None, None, b"ab", persisted=False
    )
    await sync_to_async(events.announce)(written)
    for visitor in visitors:
        reference, data = await visitor.next(), await visitor.next()
        assert reference["uri"] == "http://h/api/v1/array/full/a%20b?slice=2:3,0:2"
        assert list(reference)[-1] == "uri"
        assert reference["data_source"]["assets"] == [
            # Not its path on the server.
            {"data_uri": "f", "num": 0, "parameter": "data_uri"}
        ]
        assert (data["type"], data["sequence"], "uri" in data) == ("array-data", 2, False)
        await visitor.go()


@pytest.mark.parametrize("envelope", ["json", "msgpack"])
async def test_reduced_updates_say_their_dtype_and_are_decoded_by_it(
    array: Node, envelope: str
) -> None:
    format_ = f"envelope_format={envelope}"
    reduced = Visitor(array, f"{format_}&reduce=mean:2,2")
    numbers = Visitor(array, f"{format_}&roi=0:2,:;2:,1:")
    for visitor in (reduced, numbers):
        assert (await visitor.knock())["type"] == "websocket.accept"
    schema = await reduced.next()
    assert schema["reduce"] == "mean:2,2"
    assert dtype_from_json(schema["reduced_data_type"]).to_numpy() == np.dtype("<f4")
    assert (await numbers.next())["roi"] == "0:2,:;2:,1:"
    written = events.ArrayWritten(
        array.ref, "application/octet-stream", (3, 2), None, None, bytes(range(6)), persisted=False
    )
    await sync_to_async(events.announce)(written)
    update = await reduced.next()
    assert update["data_type"] == schema["reduced_data_type"]
    wanted = [[1.5], [4.5]]
    payload = update["payload"]
    found = payload if envelope == "json" else np.frombuffer(payload, "<f4").reshape(2, 1).tolist()
    assert found == wanted
    row = await numbers.next()
    assert row["values"] == [
        [
            {"mean": 1.5, "sum": 6, "min": 0, "max": 3, "count": 4},
            {"mean": 5.0, "sum": 5, "min": 5, "max": 5, "count": 1},
        ]
    ]
    for visitor in (reduced, numbers):
        await visitor.go()


async def test_a_reduction_that_does_not_fit_the_array_is_refused_in_a_sentence(
    array: Node,
) -> None:
    status, body, _ = await Visitor(array, "reduce=mean:2,2,2").denial()
    assert status == 403
    assert body["detail"] == ("reduce has 3 factors, but the array, after slice, has 2 dimensions.")


@pytest.mark.parametrize("envelope", ["json", "msgpack"])
async def test_sizes_of_assets_are_left_out_for_clients_that_fail_on_them(
    array: Node, envelope: str
) -> None:
    agents = {"python-tiled/0.2.12": False, "python-tiled/0.2.13": True}
    assert array.parent is not None
    for node, kind in ((array, "array-ref"), (array.parent, "container-child-created")):
        visitors = {
            sizes: Visitor(node, f"envelope_format={envelope}", {**KEY, "user-agent": agent})
            for agent, sizes in agents.items()
        }
        for visitor in visitors.values():
            assert (await visitor.knock())["type"] == "websocket.accept"
            await visitor.next()
        source = {
            "id": 1,
            "management": "external",
            "assets": [{"data_uri": "file:///a/f", "num": None, "size": 3}],
        }
        event: events.Event = events.DataSourceUpdated(
            array.ref, data_source=source, patch=None, shape=(3, 2)
        )
        if node is not array:
            family = StructureFamily.array
            event = events.ChildCreated(node.ref, "k", family, [], {}, [source], [])
        await sync_to_async(events.announce)(event)
        for sizes, visitor in visitors.items():
            message = await visitor.next()
            assert message["type"] == kind
            described = message.get("data_source") or message["data_sources"][0]
            assert ("size" in described["assets"][0]) is sizes
            await visitor.go()


async def test_a_connection_without_an_auth_message_is_closed_after_the_timeout(
    array: Node,
) -> None:
    visitor = Visitor(array, headers={}, auth_timeout_seconds=0.1)
    assert (await visitor.knock())["type"] == "websocket.accept"
    closed = await visitor.receive_output(5)
    assert (closed["code"], closed["reason"]) == (4001, "No auth message within 0.1 seconds")
    await visitor.go()


async def test_a_public_server_requires_no_key_but_rejects_a_wrong_one(
    array: Node, settings: LazySettings
) -> None:
    change(settings, "authentication", allow_anonymous_access=True)
    visitor = Visitor(array, headers={})
    assert (await visitor.knock())["type"] == "websocket.accept"
    assert (await visitor.next())["type"] == "array-schema"
    await visitor.go()
    status, _, _ = await Visitor(array, headers={"authorization": "Apikey wrong"}).denial()
    assert status == 401


async def test_a_public_server_waits_for_an_auth_message_that_is_announced(
    array: Node, settings: LazySettings
) -> None:
    change(settings, "authentication", allow_anonymous_access=True)
    for key, answer in (("wrong", "Authentication failed"), (API_KEY, "array-schema")):
        visitor = Visitor(array, "credentials=message", headers={})
        assert (await visitor.knock())["type"] == "websocket.accept"
        auth = {"type": "auth", "api_key": key}
        await visitor.send_input({"type": "websocket.receive", "text": json.dumps(auth)})
        sent = await visitor.receive_output(5)
        assert answer in (sent.get("reason"), json.loads(sent.get("text", "{}")).get("type"))
        await visitor.go()


async def test_without_a_cache_the_handshake_is_rejected_because_streaming_is_off(
    array: Node, settings: LazySettings
) -> None:
    change(settings, "streaming_cache", uri=None)
    status, body, headers = await Visitor(array).denial()
    assert status == 503
    assert body["detail"].startswith("Streaming is off")
    assert b"retry-after" in headers


async def test_while_the_cache_is_unreachable_the_handshake_gets_retry_after(
    array: Node, settings: LazySettings
) -> None:
    with EmbeddedValkey() as uri:
        change(settings, "streaming_cache", uri=uri)
    status, _, headers = await Visitor(array).denial()
    assert status == 503
    assert headers[b"retry-after"] == b"1"


async def test_without_the_response_extension_a_rejection_is_a_bare_close(array: Node) -> None:
    visitor = Visitor(array, headers={"authorization": "Apikey wrong"})
    visitor.scope["extensions"] = {}
    assert await visitor.knock() == {"type": "websocket.close"}
    await visitor.go()


def test_a_write_that_is_not_stored_fails_without_a_cache_and_a_stored_one_does_not(
    array: Node, settings: LazySettings
) -> None:
    with EmbeddedValkey() as uri:
        change(settings, "streaming_cache", uri=uri)
    octets = "application/octet-stream"
    stored = events.ArrayWritten(array.ref, octets, (2,), None, None, b"ab", persisted=True)
    events.announce(stored)
    assert outbox.backlog(array.uuid).count == 1
    passing = events.ArrayWritten(array.ref, octets, (2,), None, None, b"ab", persisted=False)
    with pytest.raises(Unavailable):
        events.announce(passing)


def test_with_streaming_off_the_catalog_just_works(array: Node, settings: LazySettings) -> None:
    change(settings, "streaming_cache", uri=None)
    events.announce(events.StreamClosed(array.ref))
    events.announce(events.NodeDeleted(array.ref))
