"""`AsyncClient` and `from_uri_async`: connect to a server from asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from functools import partial
from os import PathLike
from typing import Any

from .connect import open_session
from .http.async_session import AsyncClientSession
from .http.cache import Cache
from .nodes.asyncio import AsyncContainer, AsyncNode
from .nodes.base import request_resource
from .public_surface import show_types
from .settings import HttpOptions


class AsyncClient:
    """A connection to a server for asyncio: `async with`, or `await`, gives the client object.

    The parameters are those of `from_uri`. The client object, and all that are got from it, belong
    to the event loop that made it. They may be used by any number of tasks at a time. For editors
    and type checkers the client object is an `AsyncContainer`, as of the root of a server.

    Parameters
    ----------
    uri
        URL of a server (its root container), of its API, or of a node.
    api_key
        An API key. White space around it is removed.
    username, password
        Log in on a server that has users. A missing password is prompted for in the terminal.
    remember
        Save the login for later sessions, and use a saved one.
    timeout
        Seconds after which connecting is given up, retries included.
    options
        Timeouts, and limits of later requests.
    cache
        Responses to reuse while the server confirms, for each request, that they are current: a
        folder to keep them in for later sessions, or a `Cache`; by default in memory. False for
        none.

    Raises
    ------
    ImportError
        If aiohttp is not installed; the message has the command that installs it.

    Examples
    --------
        async with AsyncClient("http://localhost:8000", api_key="secret") as client:
            x = await client["x"]
            print(await x.read())
    """

    def __init__(
        self,
        uri: str,
        api_key: str | None = None,
        *,
        username: str | None = None,
        password: str | None = None,
        remember: bool = True,
        timeout: float = 30.0,
        options: HttpOptions | None = None,
        cache: Cache | str | PathLike[str] | bool = True,
    ) -> None:
        self._node: AsyncContainer | None = None
        # Resolving names, prompts and files of logins block.
        self._open = partial(
            open_session,
            uri,
            api_key,
            username,
            password,
            remember=remember,
            timeout=timeout,
            options=options,
            cache=cache,
        )

    def __await__(self) -> Generator[Any, Any, AsyncContainer]:
        return self._connect().__await__()

    async def __aenter__(self) -> AsyncContainer:
        self._node = await self._connect()
        return self._node

    async def __aexit__(self, *_: object) -> None:
        node, self._node = self._node, None
        if node is not None:
            await node.aclose()

    async def _connect(self) -> AsyncContainer:
        opened, path = await asyncio.to_thread(self._open)
        session = AsyncClientSession(opened)
        requests = session.requests
        requests.deadline = opened.http.deadline
        try:
            resource = await request_resource(requests, path)
        except BaseException:
            await session.close()
            raise
        requests.deadline = None
        # Of another family if the address is that of another node; see the docstring.
        node: AsyncContainer = AsyncNode.build(session, path, resource)
        return node


@show_types
async def from_uri_async(
    uri: str,
    api_key: str | None = None,
    *,
    username: str | None = None,
    password: str | None = None,
    remember: bool = True,
    timeout: float = 30.0,  # noqa: ASYNC109 - that of `from_uri`
    options: HttpOptions | None = None,
    cache: Cache | str | PathLike[str] | bool = True,
) -> AsyncContainer:
    """Connect to a server, and return the client object of the node at `uri`, for asyncio.

    Its `aclose()` closes the connections; `async with AsyncClient(...)` does so by itself.

    Parameters
    ----------
    uri, api_key, username, password, remember, timeout, options, cache
        As for `AsyncClient`.

    Returns
    -------
    AsyncContainer, AsyncArrayClient, AsyncTableClient, ...
        By the structure family of the node. Editors and type checkers assume an `AsyncContainer`.

    Raises
    ------
    ImportError
        If aiohttp is not installed.
    Unauthorized, NodeNotFound, TransportError, InvalidResponse, ValueError
        As `from_uri` raises them.

    Examples
    --------
        client = await from_uri_async("http://localhost:8000", api_key="secret")
        print([key async for key in client])
        await client.aclose()
    """
    return await AsyncClient(
        uri,
        api_key,
        username=username,
        password=password,
        remember=remember,
        timeout=timeout,
        options=options,
        cache=cache,
    )
