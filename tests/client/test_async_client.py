"""The asyncio client: the same operations as the blocking one, run by an event loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from tests.client.fake_servers import HttpPeer, Reply
from tests.conftest import API_KEY
from tests.servers import RunningServer
from tiled_client import (
    ArrayClient,
    ArrayStructure,
    AsyncArrayClient,
    AsyncClient,
    AsyncContainer,
    Container,
    NodeNotFound,
    RecursiveSubscription,
    TableClient,
    TransportError,
    Unavailable,
    from_uri_async,
)
from tiled_client.documents import Resource
from tiled_client.http.async_session import AsyncClientSession
from tiled_client.http.operations import OperationMethod
from tiled_client.http.retries import RetryPolicy
from tiled_client.http.session import ClientSession
from tiled_client.nodes.asyncio import AsyncTableClient
from tiled_client.queries import Key, StructureFamilyQuery

OK = Reply(value=None)


@pytest.fixture
async def client(server: RunningServer) -> AsyncIterator[AsyncContainer]:
    async with AsyncClient(server.uri, api_key=API_KEY) as root:
        yield root


async def array(peer: HttpPeer, **options: Any) -> AsyncArrayClient:
    structure = ArrayStructure.from_array(np.zeros(3, "<i8"))
    session = AsyncClientSession(ClientSession(peer.http(**options)))
    return AsyncArrayClient(session, ("x",), Resource(family="array", structure=structure))


@pytest.mark.parametrize(
    ("blocking", "asynchronous"),
    [(Container, AsyncContainer), (ArrayClient, AsyncArrayClient), (TableClient, AsyncTableClient)],
)
def test_both_clients_have_the_same_operations(blocking: Any, asynchronous: Any) -> None:
    shared = {
        name
        for base in blocking.__mro__
        for name, member in vars(base).items()
        if isinstance(member, OperationMethod)
    }
    assert len(shared) > 20
    for name in shared:
        mine, twin = getattr(blocking, name), getattr(asynchronous, name)
        assert inspect.signature(mine) == inspect.signature(twin)
        assert inspect.iscoroutinefunction(twin)
        assert not inspect.iscoroutinefunction(mine)
        assert mine.__doc__ == twin.__doc__


async def test_arrays_are_written_and_read(client: AsyncContainer) -> None:
    x = await client.write_array(np.arange(12).reshape(3, 4), chunks=2)
    await x.patch(np.arange(4), offset=3, extend=True)
    assert (await x.read())[3].tolist() == [0, 1, 2, 3]
    assert (await x[1:, 0]).tolist() == [4, 8, 0]
    assert (await x.read_block((0, 1))).tolist() == [[2, 3], [6, 7]]
    assert [row.sum() async for row in x] == [6, 22, 38, 6]


async def test_data_of_all_other_families_are_written_and_read(client: AsyncContainer) -> None:
    table = await client.write_table({"a": [1, 2]})
    await table.append({"a": [3]})
    assert (await table["a"]).tolist() == [1, 2, 3]
    assert await table.count() == 3
    sparse = await client.write_sparse(np.array([[0, 2]]), np.array([1.5, 2.5]), (3,))
    assert (await sparse.todense()).tolist() == [1.5, 0, 2.5]
    ragged = await client.write_ragged([[1, 2], [3]])
    await ragged.append([[4]])
    assert (await ragged[1:]).tolist() == [[3], [4]]
    awkward = await client.write_awkward([{"x": 1, "y": [1.5]}, {"x": 2, "y": []}])
    assert (await awkward["y"]).to_list() == [[1.5], []]


async def test_containers_are_browsed_searched_and_changed(client: AsyncContainer) -> None:
    inner = await client.create_container()
    for key in "abc":
        await inner.create_container(key, metadata={"key": key})
    assert [key async for key in inner] == ["a", "b", "c"] == await inner.keys()[:]
    assert await inner.keys()[-2:] == ["b", "c"]
    assert (await inner.values().last()).key == "c"
    assert [key async for key, _ in inner.search(Key("key") == "b").items()] == ["b"]
    found = inner.search_deep(StructureFamilyQuery("container"))
    assert [path async for path in found] == [("a",), ("b",), ("c",)]
    assert await inner.count() == 3
    assert await inner.contains("a")
    assert await inner.get("d") is None
    with pytest.raises(NodeNotFound):
        await inner["d"]
    child = await inner["a"]
    await child.update_metadata({"more": 1})
    assert dict(child.metadata) == {"key": "a", "more": 1}
    assert [dict(each.metadata) async for each in child.metadata_revisions] == [{"key": "a"}]
    await inner.delete_contents()
    assert await inner.count() == 0


async def test_many_reads_share_one_client(client: AsyncContainer) -> None:
    x = await client.write_array(np.arange(50))
    assert await asyncio.gather(*(x[n] for n in range(50))) == list(range(50))


async def test_updates_are_received(client: AsyncContainer) -> None:
    inner = await client.create_container()
    x = await inner.write_array([1, 2, 3])
    await x.close_stream()
    assert [update.data().tolist() async for update in x.updates(0)] == [[1, 2, 3]]
    async with inner.connect_stream() as stream:
        async for update in stream.subscribe(inner, recursive=True).updates(0):
            assert (await update.node).uri in (inner.uri, x.uri)
            break
    assert not issubclass(type(inner.subscribe(recursive=True)), RecursiveSubscription)


async def test_a_write_is_repeated_under_the_same_key(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(cut=True), Reply(502), OK)
    x = await array(http_peer, supports_idempotency=True)
    await x.patch([1], offset=3, extend=True)
    await x.aclose()
    keys = {exchange.headers["Idempotency-Key"] for exchange in http_peer.exchanges}
    assert len(http_peer.exchanges) == 3
    assert len(keys) == 1


async def test_what_may_have_succeeded_is_not_repeated(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(cut=True))
    x = await array(http_peer)
    with pytest.raises(TransportError):
        await x.patch([1], offset=3, extend=True)
    await x.aclose()
    assert len(http_peer.exchanges) == 1


async def test_a_cancelled_wait_for_a_retry_ends_at_once(http_peer: HttpPeer) -> None:
    http_peer.gives(Reply(503, {"detail": "starting"}, {"Retry-After": "20"}))
    x = await array(http_peer, retries=RetryPolicy(deadline=60))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await x.read()
    x.requests.retries = RetryPolicy(deadline=0)
    with pytest.raises(Unavailable, match="starting"):
        await x.read()
    await x.aclose()


async def test_another_server_gets_no_credentials_by_a_redirect(http_peer: HttpPeer) -> None:
    with HttpPeer() as other:
        other.gives(Reply(body=bytes(24)))
        http_peer.gives(Reply(307, None, {"Location": f"{other.root}/array/full/x"}))
        x = await array(http_peer)
        await x.read()
        await x.aclose()
        assert http_peer.exchanges[0].headers["Authorization"] == "Apikey key"
        assert "Authorization" not in other.exchanges[0].headers


def test_a_client_of_another_event_loop_is_refused(server: RunningServer) -> None:
    async def connect() -> Any:
        return await from_uri_async(server.uri, api_key=API_KEY)

    async def use(client: Any) -> None:
        with pytest.raises(RuntimeError, match="another event loop"):
            await client.keys().head()

    async def both() -> None:
        client = await connect()
        await asyncio.to_thread(asyncio.run, use(client))
        await client.aclose()

    asyncio.run(both())
