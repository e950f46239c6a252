"""Subscribers receive only what they can see, also while permissions change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import ApplicationCommunicator
from django.db import connections

from access.models import Grant
from catalog.services.nodes.tags import tag_nodes
from streaming.reading import site_reader
from streaming.sockets.consumers.multi import MultiStreamConsumer
from streaming.sockets.consumers.single import SingleStreamConsumer
from tests.catalog.conftest import OCTETS, Api
from tests.catalog.factories import NUMBERS, Site, make, people

FEATURES = "features=child-deleted"


class Visitor(ApplicationCommunicator):
    """A connection to one node, or without a path to many."""

    def __init__(self, api: Api, path: str | None, query: str = FEATURES) -> None:
        headers = [(b"host", b"h")]
        if api.key:
            headers.append((b"authorization", f"Apikey {api.key}".encode()))
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "url_route": {"kwargs": {"path": path or ""}},
            "query_string": query.encode(),
            "headers": headers,
            "extensions": {"websocket.http.response": {}},
        }
        super().__init__(
            (MultiStreamConsumer if path is None else SingleStreamConsumer).as_asgi(), scope
        )

    async def enter(self) -> Any:
        """Return the first event; of a rejection, its status and detail."""
        await self.send_input({"type": "websocket.connect"})
        first = await self.receive_output(5)
        if first["type"] != "websocket.http.response.start":
            return first["type"]
        return first["status"], json.loads((await self.receive_output(5))["body"])["detail"]

    async def send_command(self, **message: Any) -> None:
        await self.send_input({"type": "websocket.receive", "text": json.dumps(message)})

    async def next(self) -> Any:
        sent = await self.receive_output(5)
        return json.loads(sent["text"]) if "text" in sent else sent

    async def go(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait()


@pytest.fixture
async def site(transactional_db: None) -> AsyncIterator[Site]:
    context = people()
    yield await sync_to_async(context.__enter__)()
    await sync_to_async(context.__exit__)(None, None, None)
    started = site_reader.running_reader()
    if started is not None:
        await started.stop()
    await sync_to_async(connections.close_all)()


@sync_to_async
def made(api: Api, path: str, tags: list[str] | None = None, family: str = "container") -> None:
    make(api, path, tags, family)


@sync_to_async
def sent(api: Api, method: str, address: str, body: Any = b"", kind: str = "") -> None:
    response = api.send(method, address, body, kind or "application/json")
    assert response.status_code == 200, response.content


@sync_to_async
def tagged(path: str, *tags: str) -> None:
    tag_nodes(path=path, tags=tags, recursive=False)


@sync_to_async
def granted(name: str, *scopes: str) -> None:
    grant = Grant.objects.get(account__user__username=name)
    grant.scopes = list(scopes)
    grant.save()


async def test_a_hidden_node_is_not_found_and_an_unreadable_one_is_forbidden(site: Site) -> None:
    await made(site.alice, "hidden", family="array")
    await made(site.alice, "shared", ["mx"], family="array")
    for path in ("hidden", "absent", "hidden/x"):
        visitor = Visitor(site.carol, path)
        assert await visitor.enter() == (404, f"No such entry: {path.split('/')}")
    await granted("carol", "read:metadata")
    status, refusal = await Visitor(site.carol, "shared").enter()
    assert status == 403
    assert "Requires scopes ['read:data', 'read:metadata']" in refusal


async def test_messages_about_hidden_children_are_not_sent(site: Site) -> None:
    await made(site.alice, "box", ["mx"])
    carol, alice = Visitor(site.carol, "box"), Visitor(site.alice, "box")
    for visitor in (carol, alice):
        assert await visitor.enter() == "websocket.accept"
        assert (await visitor.next())["type"] == "container-schema"
    await made(site.alice, "box/own")
    await sent(site.alice, "PUT", "/metadata/box/own", {"metadata": {"secret": 1}})
    await sent(site.alice, "PUT", "/metadata/box/own", {"access_tags": ["mx"]})
    await sent(site.alice, "PUT", "/metadata/box/own", {"metadata": {"note": 1}})
    heard = [await carol.next() for _ in range(2)]
    await tagged("box/own", "user:alice")
    await sent(site.alice, "DELETE", "/metadata/box/own")
    await made(site.alice, "box/open", ["mx"])
    heard.append(await carol.next())
    assert [(said["sequence"], said["key"]) for said in heard] == [
        (3, "own"),
        (4, "own"),
        (6, "open"),
    ]
    assert heard[0]["access_tags"] == ["mx"]
    assert [(await alice.next())["sequence"] for _ in range(6)] == [1, 2, 3, 4, 5, 6]
    # A replay leaves out messages about a child that was visible then and is hidden now.
    await made(site.alice, "box/once", ["mx"])
    await tagged("box/once", "user:alice")
    late = Visitor(site.carol, "box", f"{FEATURES}&start=1")
    assert await late.enter() == "websocket.accept"
    assert (await late.next())["type"] == "container-schema"
    assert [(await late.next())["sequence"] for _ in range(3)] == [3, 4, 6]
    await made(site.alice, "box/last", ["mx"])
    assert (await late.next())["key"] == "last"
    for visitor in (carol, alice, late):
        await visitor.go()


async def test_a_subscription_ends_within_a_second_once_its_node_is_hidden(site: Site) -> None:
    await made(site.alice, "box", ["mx"])
    await made(site.alice, "box/data", ["mx"], family="array")
    carol, bob, alice = (Visitor(api, "box/data") for api in (site.carol, site.bob, site.alice))
    for visitor in (carol, bob, alice):
        assert await visitor.enter() == "websocket.accept"
        assert (await visitor.next())["type"] == "array-schema"
    await granted("carol")
    closed = await carol.receive_output(1)
    assert (closed["type"], closed["code"]) == ("websocket.close", 4010)
    await tagged("box", "user:alice")
    assert (await bob.receive_output(1))["type"] == "websocket.close"
    await sent(site.alice, "PUT", "/array/full/box/data", NUMBERS.tobytes(), OCTETS)
    assert (await alice.next())["type"] == "array-data"
    await alice.go()


async def test_a_recursive_subscription_adds_and_ends_nodes_as_permissions_change(
    site: Site,
) -> None:
    await made(site.alice, "box", ["mx"])
    await made(site.alice, "box/own", family="array")
    await made(site.alice, "box/shared", ["mx"], family="array")
    carol = Visitor(site.carol, None)
    assert await carol.enter() == "websocket.accept"
    await carol.send_command(type="subscribe", id="h", path="box/own")
    said = await carol.next()
    assert (said[0], said[2]["status"]) == ("h", 404)
    await carol.send_command(type="subscribe", id="a", path="box", recursive=True)
    assert [(await carol.next())[1] for _ in range(2)] == ["box", "box/shared"]
    await tagged("box/own", "mx")
    said = await carol.next()
    assert (said[1], said[2]["type"]) == ("box/own", "array-schema")
    await tagged("box/shared", "user:alice")
    said = await carol.next()
    assert (said[1], said[2]["type"], said[2]["code"]) == ("box/shared", "closed", 4010)
    await sent(site.alice, "PUT", "/array/full/box/shared", NUMBERS.tobytes(), OCTETS)
    await sent(site.alice, "PUT", "/array/full/box/own", NUMBERS.tobytes(), OCTETS)
    assert (await carol.next())[1] == "box/own"
    await carol.go()


@pytest.mark.parametrize("many", [False, True], ids=["single", "multi"])
async def test_nothing_written_after_a_change_is_sent_however_many_changes_there_were(
    site: Site, many: bool
) -> None:
    await made(site.alice, "data", ["mx"], family="array")
    address = "/array/full/data"
    for _ in range(5):
        carol = Visitor(site.carol, None if many else "data")
        assert await carol.enter() == "websocket.accept"
        if many:
            await carol.send_command(type="subscribe", id="a", path="data")
        first = await carol.next()
        assert (first[2] if many else first)["type"] == "array-schema"
        # Changes just before must not delay the check of the change that hides the node.
        await granted("carol", "read:metadata", "read:data", "write:data")
        await granted("carol", "read:metadata", "read:data")
        await tagged("data", "user:alice")
        await sent(site.alice, "PUT", address, NUMBERS.tobytes(), OCTETS)
        said = await carol.next()
        assert (said[2] if many else said)["type"] in {"closed", "websocket.close"}
        await carol.go()
        await tagged("data", "mx")
