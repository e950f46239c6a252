"""Logging in to a server that has users: with a password, or with a browser."""

from __future__ import annotations

import sys
import time
import webbrowser
from collections.abc import Mapping, Sequence
from getpass import getpass
from typing import Any
from urllib.parse import urlencode

from ..errors import BadRequest, Unauthorized, UnreadableAnswer
from ..http.client import Http
from ..settings import HttpOptions
from .credentials import TokenCredentials, Tokens, kept_tokens
from .token_files import TokenFile

FORM = "application/x-www-form-urlencoded"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
Provider = Mapping[str, Any]


class Door:
    """What a server says of logging in to it, and how that is done.

    Whoever logs in shows nothing yet, so requests are made without credentials.
    """

    def __init__(
        self, root: str, authentication: Mapping[str, Any], options: HttpOptions | None = None
    ) -> None:
        self.root = root
        self.providers: Sequence[Provider] = authentication.get("providers") or []
        self.required = bool(authentication.get("required"))
        self._http = Http(root, options=options)

    def remembered(self) -> TokenCredentials | None:
        """The login of the last time, if it was kept."""
        file = TokenFile(self.root)
        tokens = kept_tokens(file)
        return None if tokens is None else TokenCredentials(tokens, self._refresh, file)

    def log_in(
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        provider: str | None = None,
        remember: bool = True,
    ) -> TokenCredentials:
        """Log in; what is missing is asked for in the terminal.

        Raises Unauthorized for a wrong name or password, and where there is nobody to be asked.
        """
        chosen = self._choose(provider, username)
        if chosen.get("mode") == "external":
            told = self._with_browser(chosen)
        else:
            told = self._with_password(chosen, username, password)
        file = TokenFile(self.root) if remember else None
        credentials = TokenCredentials(Tokens.of_answer(told), self._refresh, file)
        credentials.keep()
        if message := chosen.get("confirmation_message"):
            print(message.format(id=told["identity"]["id"]))
        return credentials

    def log_out(self, credentials: TokenCredentials) -> None:
        """End the login on the server, and forget it here."""
        credentials.forget()
        path = ("session", "revoke")
        self._http.post("auth", path, {"refresh_token": credentials.tokens.refresh})

    def _refresh(self, refresh_token: str) -> Any:
        path = ("session", "refresh")
        return self._http.post("auth", path, {"refresh_token": refresh_token}).value()

    def _choose(self, name: str | None, username: str | None) -> Provider:
        if not self.providers:
            raise Unauthorized(f"{self.root} has no users: nobody can log in there.")
        fitting = [
            known
            for known in self.providers
            if (name is None or known["provider"] == name)
            and (username is None or known["mode"] != "external")
        ]
        if len(fitting) == 1 or (fitting and username is not None):
            return fitting[0]
        names = ", ".join(known["provider"] for known in self.providers)
        raise Unauthorized(f"Say at which provider to log in, with provider=...: {names}.")

    def _with_password(self, provider: Provider, username: str | None, password: str | None) -> Any:
        if username is None:
            username = _asked(input, "Username: ")
        if password is None:
            password = _asked(getpass, "Password: ")
        fields = {"grant_type": "password", "username": username, "password": password}
        path = ("provider", provider["provider"], "token")
        return self._http.send("POST", "auth", path, urlencode(fields).encode(), FORM).value()

    def _with_browser(self, provider: Provider) -> Any:
        path = ("provider", provider["provider"])
        begun = self._http.post("auth", (*path, "authorize"), None).value()
        try:
            address, code = begun["authorization_uri"], begun["user_code"]
            ends, interval = time.monotonic() + begun["expires_in"], begun["interval"]
        except (KeyError, TypeError) as error:
            raise UnreadableAnswer("The server does not say how to log in.") from error
        print(f"Visit {address} and type the code {code} there.", flush=True)
        webbrowser.open(address)
        asked = {"device_code": begun["device_code"], "grant_type": DEVICE_GRANT}
        while time.monotonic() < ends:
            time.sleep(interval)
            try:
                return self._http.post("auth", (*path, "token"), asked).value()
            except BadRequest as error:
                if "authorization_pending" not in error.detail:
                    raise
        raise Unauthorized("Nobody has typed the code in time.")


def expect_somebody() -> None:
    """Raise Unauthorized unless there is somebody who could be asked: in a terminal, a notebook."""
    if not ("ipykernel" in sys.modules or (sys.stdin and sys.stdin.isatty())):
        raise Unauthorized(
            "This server wants to know who you are, and there is nobody to ask: pass "
            "api_key=..., or username=... and password=...."
        )


def _asked(ask: Any, question: str) -> str:
    expect_somebody()
    return str(ask(question))
