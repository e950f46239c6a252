"""Renew the credentials of a connection that the server rejects or closes."""

from __future__ import annotations

from ...auth.credentials import Credentials
from ...errors import StreamLost, TiledClientError, Unauthorized


class CredentialRenewal:
    """The credentials of a connection that is replaced from time to time.

    The access token of a login is valid for minutes, and a subscription may run for months: it
    resumes with another token. If that one is rejected before any event was received, the
    subscription ends.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._sent: dict[str, str] = {}
        self._renewed_in_vain = False

    def header(self) -> dict[str, str]:
        """Return the headers of the next handshake."""
        self._sent = self._credentials.header()
        return self._sent

    def after_failure(self, failure: TiledClientError, *, progress: bool) -> TiledClientError:
        """Return the failure, or in its place one that reconnecting with new credentials mends.

        `progress` tells whether events were received over the connection.
        """
        if progress:
            self._renewed_in_vain = False
        if self._renewed_in_vain or not isinstance(failure, Unauthorized):
            return failure
        if not self._credentials.renew(self._sent):
            return failure
        self._renewed_in_vain = True
        return StreamLost(failure.detail)
