"""What a client shows to say who asks: nothing, an API key, or the tokens of a login."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import TiledClientError, UnreadableAnswer
from .token_files import TokenFile

# A token that is about to expire would expire on its way.
EARLY = 10.0


class Credentials:
    """Nothing at all. Safe to use from several threads, as all of them are."""

    api_key: str | None = None

    def header(self) -> dict[str, str]:
        """The header that says who asks."""
        return {}

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Whether there are others by now, in place of those with this header."""
        return False


class KeyCredentials(Credentials):
    """An API key."""

    def __init__(self, api_key: str) -> None:
        self.api_key = api_key

    def header(self) -> dict[str, str]:
        """The key."""
        return {"Authorization": f"Apikey {self.api_key}"}


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token to ask with, and one to get others by; `stale_at` is on this machine's clock."""

    access: str
    refresh: str
    stale_at: float

    @classmethod
    def of_answer(cls, told: Any) -> Tokens:
        """Read what a server answers to a login. Raises UnreadableAnswer."""
        try:
            stale_at = time.time() + float(told["expires_in"]) - EARLY
            return cls(str(told["access_token"]), str(told["refresh_token"]), stale_at)
        except (KeyError, TypeError, ValueError) as error:
            raise UnreadableAnswer("The server's answer to a login has no tokens in it.") from error

    def header(self) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": f"Bearer {self.access}"}


class TokenCredentials(Credentials):
    """The tokens of a login, refreshed when they have expired.

    `file` is where they are kept for the next time, and where others of this user's processes may
    have put newer ones.
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
        """As they are now."""
        return self._tokens

    def header(self) -> dict[str, str]:
        """The access token; another one, where it has expired and there is a way to one."""
        tokens = self._tokens
        if time.time() >= tokens.stale_at:
            self.renew(tokens.header())
        return self._tokens.header()

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Whether there are other tokens by now; the server is asked for some if need be."""
        with self._lock:
            if self._tokens.header() != refused:
                return True
            kept = self._kept()
            if kept is not None and kept.access != self._tokens.access:
                self._tokens = kept
                return True
            try:
                self._take(Tokens.of_answer(self._refresh(self._tokens.refresh)))
            except TiledClientError:
                # What was refused stays refused; the request says so itself.
                return False
            return True

    def usable(self) -> bool:
        """Whether the server still takes them, or gives others for them."""
        return time.time() < self._tokens.stale_at or self.renew(self._tokens.header())

    def forget(self) -> None:
        """Have the file without them."""
        if self._file is not None:
            self._file.remove()

    def keep(self) -> None:
        """Have them in the file."""
        if self._file is not None:
            self._file.write(
                {
                    "access_token": self._tokens.access,
                    "refresh_token": self._tokens.refresh,
                    "stale_at": self._tokens.stale_at,
                }
            )

    def _take(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self.keep()

    def _kept(self) -> Tokens | None:
        return kept_tokens(self._file) if self._file is not None else None


def kept_tokens(file: TokenFile) -> Tokens | None:
    """The tokens of the last login, if they were kept."""
    kept = file.read()
    try:
        return Tokens(kept["access_token"], kept["refresh_token"], float(kept["stale_at"]))
    except (KeyError, TypeError, ValueError):
        return None
