"""One server as one principal uses it: the HTTP client and the way to log in."""

from __future__ import annotations

from ..auth.credentials import Credentials, TokenCredentials
from ..auth.login import LoginFlow
from ..errors import Unauthorized
from .client import HttpClient


class ClientSession:
    """What all client objects of one `from_uri` share: an HTTP client, and the login flow if any.

    Parameters
    ----------
    http
        The client that sends requests, with the credentials of this session.
    login_flow
        How to log in to this server; None where that is not known.
    """

    def __init__(self, http: HttpClient, login_flow: LoginFlow | None = None) -> None:
        self.http = http
        self._login_flow = login_flow

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
