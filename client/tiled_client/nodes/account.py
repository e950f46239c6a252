"""Who asks: logging in and out, and keys of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..auth.credentials import Credentials, TokenCredentials
from ..auth.login import Door
from ..errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..http.client import Http


class AccountMixin:
    """What any client object can do about whose it is. All objects of one server go together."""

    _http: Http

    def login(
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        provider: str | None = None,
        remember: bool = True,
    ) -> None:
        """Log in; from then on all that was reached from the same `from_uri` asks as this user.

        What is missing is asked for in the terminal; a provider of browser logins prints an
        address and a code. `remember` keeps the login for the next time, in a file that only
        this user can read. Raises Unauthorized.
        """
        self._http.credentials = self._door().log_in(
            username, password, provider=provider, remember=remember
        )

    def logout(self) -> None:
        """End the login, on the server and here; the server is asked as nobody from then on."""
        credentials = self._http.credentials
        self._http.credentials = Credentials()
        if isinstance(credentials, TokenCredentials):
            self._door().log_out(credentials)

    def whoami(self) -> dict[str, Any] | None:
        """Who asks, with roles, keys and sessions; None for nobody.

        Raises NodeNotFound on a server without users.
        """
        told: dict[str, Any] | None = self._http.get("auth", ("whoami",)).value()
        return told

    def create_api_key(
        self,
        scopes: Sequence[str] | None = None,
        *,
        expires_in: int | None = None,
        note: str | None = None,
        access_tags: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Make a key; its `secret` is told this once.

        It may do what `scopes` say, else all that its owner may. `expires_in` is in seconds.
        `access_tags` restrict it to nodes with one of them. Raises Forbidden for more than one
        has.
        """
        wanted = {
            "scopes": None if scopes is None else list(scopes),
            "expires_in": expires_in,
            "note": note,
            "access_tags": None if access_tags is None else list(access_tags),
        }
        made: dict[str, Any] = self._http.post("auth", ("apikey",), wanted).value()
        return made

    def revoke_api_key(self, key: str) -> None:
        """End a key of one's own, named by its first eight digits or more. Raises NodeNotFound."""
        self._http.delete("auth", ("apikey",), params={"first_eight": key[:8]})

    def which_api_key(self) -> dict[str, Any]:
        """The key that one asks with. Raises Unauthorized without one."""
        told: dict[str, Any] = self._http.get("auth", ("apikey",)).value()
        return told

    def _door(self) -> Door:
        if self._http.door is None:
            raise Unauthorized("Nobody can log in here.")
        return self._http.door
