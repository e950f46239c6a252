"""Client object of containers, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, Unpack, overload

from ...docstrings import same_parameters
from ...errors import NodeNotFound
from ...query_base import Query
from ...stream.asyncio.iteration import AsyncUpdates
from ...stream.asyncio.subscription import (
    AsyncContainerSubscription,
    AsyncRecursiveSubscription,
    AsyncSubscription,
)
from ...stream.protocol.subscription_options import (
    Policy,
    Start,
    SubscriptionOptions,
    UpdatesOptions,
    split_start_options,
)
from ...wire.structure_family import StructureFamily
from ..classes import ASYNCIO
from ..container_operations import ContainerOperations
from ..container_streams import StreamableContainer
from ..listed_container import ListedContainer
from ..listing import deep_search_arguments
from .base import AsyncNode
from .data import (
    AsyncArrayClient,
    AsyncAwkwardClient,
    AsyncRaggedClient,
    AsyncSparseClient,
    AsyncTableClient,
)
from .views import AsyncItems, AsyncKeys, AsyncSearchResults, AsyncValues


class AsyncContainer(
    ContainerOperations[
        "AsyncContainer",
        AsyncArrayClient,
        AsyncTableClient,
        AsyncSparseClient,
        AsyncRaggedClient,
        AsyncAwkwardClient,
    ],
    AsyncNode,
    family=StructureFamily.container,
    clients=ASYNCIO,
):
    """The asyncio counterpart of `Container`.

    `await c["a", "b"]` and `await c["a/b"]` fetch a node at a deeper level with one request;
    `async for key in c`, `async for key, node in c.items()` list it page by page.
    """

    def keys(self) -> AsyncKeys:
        """Return a view of the keys, which can be sliced.

        Returns
        -------
        AsyncKeys
            For `async for`, and `await keys[:10]`.
        """
        return AsyncKeys(self)

    def values(self) -> AsyncValues:
        """Return a view of the nodes; iterating makes one request per page, not per node.

        Returns
        -------
        AsyncValues
            For `async for`, and `await values[0]`.
        """
        return AsyncValues(self)

    def items(self) -> AsyncItems:
        """Return a view of keys and nodes; iterating makes one request per page, not per node.

        Returns
        -------
        AsyncItems
            For `async for`, and `await items[:10]`.
        """
        return AsyncItems(self)

    async def count(self) -> int:
        """Return the number of children.

        Returns
        -------
        int
            Of the results, if this is a search.
        """
        return await self.fetch_count()

    async def contains(self, key: str | tuple[str, ...]) -> bool:
        """Return whether there is a node of this key or path.

        Parameters
        ----------
        key
            A key, or a path as 'a/b' or ('a', 'b').

        Returns
        -------
        bool
        """
        return await self._has(key)

    async def get(self, key: str | tuple[str, ...], default: Any = None) -> Any:
        """Fetch the node of a key or path, or return `default` if there is none.

        Parameters
        ----------
        key
            A key, or a path as 'a/b' or ('a', 'b').
        default
            What to return if there is no such node.

        Returns
        -------
        AsyncNode
            The client object, of the class of its structure family; or `default`.
        """
        try:
            return await self._node(key)
        except NodeNotFound:
            return default

    @same_parameters(ListedContainer.search_deep)
    def search_deep(self, *queries: Query, max_depth: int | None = None) -> AsyncSearchResults:
        """Search all levels below this container.

        Returns
        -------
        AsyncSearchResults
            For `async for path, node in results.items()`.
        """
        return AsyncSearchResults(self, *deep_search_arguments(queries, max_depth))

    def __aiter__(self) -> AsyncIterator[str]:
        return aiter(self.keys())

    @overload
    def subscribe(
        self,
        *,
        recursive: Literal[True],
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> AsyncRecursiveSubscription: ...
    @overload
    def subscribe(
        self,
        *,
        recursive: Literal[False] = False,
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> AsyncContainerSubscription: ...

    @same_parameters(StreamableContainer.subscribe)
    def subscribe(
        self,
        *,
        recursive: bool = False,
        policy: Policy | None = None,
        max_rate: float | None = None,
        **options: Any,
    ) -> AsyncContainerSubscription | AsyncRecursiveSubscription:
        """Return a subscription to new, changed and deleted children.

        With `recursive`, the node of an update may have to be fetched: `await update.node`.

        Returns
        -------
        AsyncContainerSubscription or AsyncRecursiveSubscription
            A subscription that has not been started.
        """
        filters = SubscriptionOptions.parse(policy=policy, max_rate=max_rate)
        kind = AsyncRecursiveSubscription if recursive else AsyncContainerSubscription
        return kind(self, filters, **options)

    @same_parameters(StreamableContainer.updates)
    def updates(
        self,
        start: Start = None,
        *,
        recursive: bool = False,
        **options: Unpack[UpdatesOptions],
    ) -> AsyncUpdates[Any]:
        """Return an asynchronous iterator of updates, for `async for`.

        Returns
        -------
        AsyncUpdates
            An iterator that starts with the loop.
        """
        start_options, rest = split_start_options(options)
        subscription: AsyncSubscription[Any] = (
            self.subscribe(recursive=True, **rest) if recursive else self.subscribe(**rest)
        )
        return subscription.updates(start, **start_options)
