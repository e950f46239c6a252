"""One server as one principal uses it: the HTTP client and the way to log in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..auth.credentials import Credentials, TokenCredentials
from ..auth.login import LoginFlow
from ..errors import Unauthorized
from .client import HttpClient
from .request_client import RequestClient


class NodeSession(Protocol):
    """The state shared by all client objects of one connection."""

    @property
    def requests(self) -> RequestClient:
        """Sends requests, with the credentials of this session."""

    @property
    def structure_clients(self) -> str | Mapping[str, Any]:
        """Which classes client objects have."""


class ClientSession:
    """The state shared by all client objects of one `from_uri`: HTTP client and login flow.

    Parameters
    ----------
    http
        The client that sends requests, with the credentials of this session.
    login_flow
        The login flow of this server; None if it is unknown.
    structure_clients
        Which classes client objects have: "numpy", "dask" (lazy reads), or a class for each of
        some specs or structure families.
    """

    def __init__(
        self,
        http: HttpClient,
        login_flow: LoginFlow | None = None,
        structure_clients: str | Mapping[str, Any] = "numpy",
    ) -> None:
        self.http = http
        self.structure_clients = structure_clients
        self._login_flow = login_flow

    @property
    def requests(self) -> RequestClient:
        """Sends requests, with the credentials of this session."""
        return self.http.requests

    def with_structure_clients(self, structure_clients: str | Mapping[str, Any]) -> ClientSession:
        """Return this session, with the same connections and login, for other classes."""
        return ClientSession(self.http, self._login_flow, structure_clients)

    def log_in(
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        provider: str | None = None,
        remember: bool = True,
    ) -> None:
        """Log in; later requests use the new credentials. Raises Unauthorized."""
        self.http.credentials = self._require_login_flow().log_in(
            username, password, provider=provider, remember=remember
        )

    def log_out(self) -> None:
        """End the login, if there is one; later requests are anonymous."""
        credentials = self.http.credentials
        self.http.credentials = Credentials()
        if isinstance(credentials, TokenCredentials):
            self._require_login_flow().log_out(credentials)

    def _require_login_flow(self) -> LoginFlow:
        if self._login_flow is None:
            raise Unauthorized("Login is not available: get this client from `from_uri`.")
        return self._login_flow
