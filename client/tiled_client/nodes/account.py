"""Log in and out, and manage one's own API keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..http.operations import operation
from ..http.request_client import RequestClient
from ..public_surface import PublicSurface

if TYPE_CHECKING:
    from collections.abc import Sequence


class AccountMixin(PublicSurface):
    """Account methods, which every client object has: they concern the server, not the node."""

    _session: Any

    @property
    def _requests(self) -> RequestClient:
        raise NotImplementedError

    @operation
    async def login(
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        provider: str | None = None,
        remember: bool = True,
    ) -> None:
        """Log in, for all client objects of the same `from_uri`.

        A missing username or password is prompted for in the terminal. Providers that log in with a
        browser print a URL and a code to enter there.

        Parameters
        ----------
        username, password
            Credentials of a provider with passwords.
        provider
            Name of the identity provider; required only if the server has several that match.
        remember
            Save the login for later sessions, in a file that only this user can read.

        Raises
        ------
        Unauthorized
            If the credentials are wrong, or cannot be prompted for.
        """
        log_in = partial(
            self._session.log_in, username, password, provider=provider, remember=remember
        )
        # It may prompt in the terminal.
        await self._requests.transport.call(log_in)

    @operation
    async def logout(self) -> None:
        """End the login, on the server and in the saved file; later requests are anonymous."""
        await self._requests.transport.call(self._session.log_out)

    @operation
    async def whoami(self) -> dict[str, Any] | None:
        """Return the principal of these credentials, with its roles, API keys and sessions.

        Returns
        -------
        dict or None
            None if requests are anonymous.

        Raises
        ------
        NodeNotFound
            If the server has no users.
        """
        principal: dict[str, Any] | None = (await self._requests.get("auth", ("whoami",))).value()
        return principal

    @operation
    async def create_api_key(
        self,
        scopes: Sequence[str] | None = None,
        *,
        expires_in: int | None = None,
        note: str | None = None,
        access_tags: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Create an API key. Its secret is returned only once.

        Parameters
        ----------
        scopes
            Scopes of the key; by default all scopes of its owner.
        expires_in
            Lifetime in seconds.
        note
            A description, shown in lists of keys.
        access_tags
            Restrict the key to nodes with one of these tags.

        Returns
        -------
        dict
            The key; `secret` is the value to use as `api_key`.

        Raises
        ------
        Forbidden
            If the owner does not have these scopes or tags.
        """
        request = {
            "scopes": None if scopes is None else list(scopes),
            "expires_in": expires_in,
            "note": note,
            "access_tags": None if access_tags is None else list(access_tags),
        }
        key: dict[str, Any] = (await self._requests.post("auth", ("apikey",), request)).value()
        return key

    @operation
    async def revoke_api_key(self, key: str) -> None:
        """Revoke one of one's own API keys.

        Parameters
        ----------
        key
            The key, or its first eight characters.

        Raises
        ------
        NodeNotFound
            If there is no such key.
        """
        await self._requests.delete("auth", ("apikey",), params={"first_eight": key[:8]})

    @operation
    async def which_api_key(self) -> dict[str, Any]:
        """Return the API key that requests are made with.

        Returns
        -------
        dict
            Its first eight characters, scopes and times; not the key itself.

        Raises
        ------
        Unauthorized
            If requests are made without an API key.
        """
        key: dict[str, Any] = (await self._requests.get("auth", ("apikey",))).value()
        return key
