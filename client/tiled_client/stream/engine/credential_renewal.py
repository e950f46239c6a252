"""What a connection shows, and what to do when the server takes it no more."""

from __future__ import annotations

from ...auth.credentials import Credentials
from ...errors import StreamLost, TiledClientError, Unauthorized


class CredentialRenewal:
    """The credentials of a connection that is made anew from time to time.

    A login's token is good for minutes, and a subscription may go on for months: with another
    token it resumes. Where that one is refused before anything was received, it is at its end.
    """

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._shown: dict[str, str] = {}
        self._in_vain = False

    def header(self) -> dict[str, str]:
        """What to show now."""
        self._shown = self._credentials.header()
        return self._shown

    def after_failure(self, failure: TiledClientError, *, news: bool) -> TiledClientError:
        """The same, or one that is got over by connecting again; `news`: something was received."""
        if news:
            self._in_vain = False
        if self._in_vain or not isinstance(failure, Unauthorized):
            return failure
        if not self._credentials.renew(self._shown):
            return failure
        self._in_vain = True
        return StreamLost(failure.detail)
