"""Credentials of requests: none, an API key, or the tokens of a login."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidResponse, TiledClientError
from .token_files import TokenFile

# An access token is refreshed so many seconds before it expires: it could expire on its way.
REFRESH_MARGIN_SECONDS = 10.0


class Credentials:
    """No credentials: requests are anonymous. Thread-safe, as its subclasses are."""

    api_key: str | None = None

    def header(self) -> dict[str, str]:
        """Return the Authorization header; empty if there is none."""
        return {}

    def renew(self, rejected: Mapping[str, str]) -> bool:
        """Return whether there are now credentials other than those of this rejected header."""
        return False


class KeyCredentials(Credentials):
    """An API key."""

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key

    def header(self) -> dict[str, str]:
        """Return the Authorization header with the key."""
        return {"Authorization": f"Apikey {self.api_key}"}


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and a refresh token; `stale_at` is a time of this machine's clock."""

    access: str
    refresh: str
    stale_at: float

    @classmethod
    def from_response(cls, value: Any) -> Tokens:
        """Read the server's response to a login. Raises InvalidResponse."""
        try:
            stale_at = time.time() + float(value["expires_in"]) - REFRESH_MARGIN_SECONDS
            return cls(str(value["access_token"]), str(value["refresh_token"]), stale_at)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidResponse("The server's response to the login has no tokens.") from error

    def header(self) -> dict[str, str]:
        """Return the Authorization header."""
        return {"Authorization": f"Bearer {self.access}"}


class TokenCredentials(Credentials):
    """The tokens of a login, refreshed when they expire.

    Parameters
    ----------
    tokens
        The tokens to start with.
    refresh
        Function that exchanges a refresh token at the server, and returns its decoded response.
    file
        Where tokens are saved for later sessions. Other processes of the same user may have saved
        newer ones there, which are then used.
    """

    def __init__(
        self, tokens: Tokens, refresh: Callable[[str], Any], file: TokenFile | None = None
    ) -> None:
        self._tokens = tokens
        self._refresh = refresh
        self._file = file
        self._lock = threading.Lock()

    @property
    def tokens(self) -> Tokens:
        """The current tokens."""
        return self._tokens

    def header(self) -> dict[str, str]:
        """Return the Authorization header; refreshes an expired access token first, if it can."""
        tokens = self._tokens
        if time.time() >= tokens.stale_at:
            self.renew(tokens.header())
        return self._tokens.header()

    def renew(self, rejected: Mapping[str, str]) -> bool:
        """Return whether there are newer tokens; refreshes them unless another thread did."""
        with self._lock:
            if self._tokens.header() != rejected:
                return True
            stored = load_tokens(self._file) if self._file is not None else None
            if stored is not None and stored.access != self._tokens.access:
                self._tokens = stored
                return True
            try:
                self._tokens = Tokens.from_response(self._refresh(self._tokens.refresh))
            except TiledClientError:
                # The request itself then fails with the server's 401, which says why.
                return False
            self.save()
            return True

    def is_valid(self) -> bool:
        """Return whether the access token has not expired, or could be refreshed."""
        return time.time() < self._tokens.stale_at or self.renew(self._tokens.header())

    def clear(self) -> None:
        """Delete the file of tokens, if there is one."""
        if self._file is not None:
            self._file.remove()

    def save(self) -> None:
        """Write the tokens to the file, if there is one."""
        if self._file is not None:
            self._file.write(
                {
                    "access_token": self._tokens.access,
                    "refresh_token": self._tokens.refresh,
                    "stale_at": self._tokens.stale_at,
                }
            )


def load_tokens(file: TokenFile) -> Tokens | None:
    """Return the tokens that a file keeps, or None."""
    stored = file.read()
    try:
        return Tokens(stored["access_token"], stored["refresh_token"], float(stored["stale_at"]))
    except (KeyError, TypeError, ValueError):
        return None
