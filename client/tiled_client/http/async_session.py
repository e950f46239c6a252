"""One server as one principal uses it from asyncio."""

from __future__ import annotations

from .aiohttp_transport import AiohttpTransport
from .request_client import RequestClient
from .session import ClientSession


class AsyncClientSession:
    """The state shared by all client objects of one `AsyncClient`.

    A login prompts, reads files and waits for other processes, so that it is done by the blocking
    client, in a thread; so are renewals of tokens, every few minutes.
    """

    structure_clients = "asyncio"

    def __init__(self, session: ClientSession) -> None:
        self._session, http = session, session.http
        self._transport = AiohttpTransport(http.options)
        self._requests = RequestClient(
            http.root,
            self._transport,
            options=http.options,
            retries=http.retries,
            supports_idempotency=http.supports_idempotency,
            cache=http.cache,
        )
        self._requests.credentials = http.credentials

    @property
    def requests(self) -> RequestClient:
        """Sends requests, with the credentials of this session."""
        return self._requests

    def log_in(self, *arguments: str | None, **options: str | bool | None) -> None:
        """Log in; later requests use the new credentials. Raises Unauthorized."""
        self._session.log_in(*arguments, **options)  # type: ignore[arg-type]
        self._requests.credentials = self._session.http.credentials

    def log_out(self) -> None:
        """End the login, if there is one; later requests are anonymous."""
        self._session.log_out()
        self._requests.credentials = self._session.http.credentials

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()
