"""Credentials of requests: none, an API key, or the tokens of a login."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidResponse, TiledClientError, Unauthorized
from ..settings import API_KEY_VARIABLE, api_key_from_environment
from . import handover
from .token_files import TokenFile

# An access token is refreshed this many seconds before it expires, as it could expire in transit.
REFRESH_MARGIN_SECONDS = 10.0


def clean_api_key(text: str) -> str:
    """Return an API key without white space around it.

    Raises ValueError, without the key, if it cannot be one.
    """
    key = text.strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(
            "The API key has a space, a line break or a special character in it: pass the key alone"
        )
    return key


class Credentials:
    """No credentials: requests are anonymous. Thread-safe, as its subclasses are."""

    api_key: str | None = None

    @property
    def stale(self) -> bool:
        """Whether `header` has to renew them first, which blocks."""
        return False

    def header(self) -> dict[str, str]:
        """Return the Authorization header; empty if there is none."""
        return {}

    def renew(self, rejected: Mapping[str, str]) -> bool:
        """Return whether there are now credentials other than those of this rejected header."""
        return False


class KeyCredentials(Credentials):
    """An API key. A pickle has the path of a hand-over file in its place."""

    def __init__(self, api_key: str) -> None:
        self.api_key = clean_api_key(api_key)

    def header(self) -> dict[str, str]:
        """Return the Authorization header with the key."""
        return {"Authorization": f"Apikey {self.api_key}"}

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_key, (handover.file_of(self, {"api_key": self.api_key}),)


class MissingCredentials(Credentials):
    """Credentials that were not found in this process: every request fails with the remedy.

    Unpickling itself must not fail: a pool of processes would wait for the result indefinitely.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def header(self) -> dict[str, str]:
        """Raise Unauthorized."""
        raise Unauthorized(
            f"The credentials of this client are not available here: pickles leave them in "
            f"{self._path}, on the machine and for the lifetime of the process that made the "
            f"pickle. Set {API_KEY_VARIABLE} in the environment of this process."
        )


@dataclass(frozen=True, slots=True)
class Tokens:
    """An access token and a refresh token; `stale_at` is a time of this machine's clock."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
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

    def __reduce__(self) -> tuple[Any, ...]:
        with self._lock:
            if self._file is None:
                # Both processes use the file from now on, since refreshing may replace the tokens.
                self._file = TokenFile.at(handover.new_file())
                self.save()
        return _restore_tokens, (str(self._file.path), self._refresh)

    @property
    def tokens(self) -> Tokens:
        """The current tokens."""
        return self._tokens

    @property
    def stale(self) -> bool:
        """Whether the access token has expired, or is about to."""
        return time.time() >= self._tokens.stale_at

    def header(self) -> dict[str, str]:
        """Return the Authorization header; refreshes an expired access token first, if it can."""
        if self.stale:
            self.renew(self._tokens.header())
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
                # The request itself then fails with the server's 401, which has the reason.
                return False
            self.save()
            return True

    def is_valid(self) -> bool:
        """Return whether the access token has not expired, or could be refreshed."""
        return not self.stale or self.renew(self._tokens.header())

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


def _restore_key(path: str) -> Credentials:
    """Return the API key in a hand-over file, or the one in this process's environment."""
    stored = handover.read_secret(path)
    if stored is not None:
        restored = KeyCredentials(str(stored["api_key"]))
        handover.adopt_file(restored, path)
        return restored
    key = api_key_from_environment()
    return KeyCredentials(key) if key else MissingCredentials(path)


def _restore_tokens(path: str, refresh: Callable[[str], Any]) -> Credentials:
    """Return the tokens in a file, or the API key in this process's environment."""
    file = TokenFile.at(path)
    tokens = load_tokens(file)
    if tokens is not None:
        return TokenCredentials(tokens, refresh, file)
    key = api_key_from_environment()
    return KeyCredentials(key) if key else MissingCredentials(path)
