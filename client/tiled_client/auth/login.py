"""Log in to a server that has users, with a password or a browser (device authorization)."""

from __future__ import annotations

import sys
import time
import webbrowser
from collections.abc import Mapping, Sequence
from getpass import getpass
from pathlib import Path as FilePath
from typing import Any, Protocol
from urllib.parse import urlencode

from ..errors import BadRequest, InvalidResponse, Unauthorized
from ..interactive import in_notebook
from ..uris import Path
from .credentials import TokenCredentials, Tokens, load_tokens
from .token_files import TokenFile

FORM = "application/x-www-form-urlencoded"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
Provider = Mapping[str, Any]


class DecodedResponse(Protocol):
    """A response whose body can be decoded."""

    def value(self) -> Any:
        """Return the decoded body."""


class LoginTransport(Protocol):
    """The anonymous requests that a login needs; the HTTP client has these methods."""

    root: str

    def post(self, endpoint: str, path: Path, value: Any) -> DecodedResponse:
        """Send JSON."""

    def send(
        self, method: str, endpoint: str, path: Path, body: bytes, content_type: str
    ) -> DecodedResponse:
        """Send bytes of a media type."""


class LoginFlow:
    """The identity providers of a server, and the steps of a login.

    Parameters
    ----------
    http
        Sends the requests, which are anonymous: there are no credentials before the login.
    authentication
        The section `authentication` of the server's description of itself.
    token_folder
        Where logins are saved; by default in the user's cache folder.
    """

    def __init__(
        self,
        http: LoginTransport,
        authentication: Mapping[str, Any],
        token_folder: str | None = None,
    ) -> None:
        self.root = http.root
        self.providers: Sequence[Provider] = authentication.get("providers") or []
        self.required = bool(authentication.get("required"))
        self._http = http
        self._token_folder = None if token_folder is None else FilePath(token_folder).expanduser()

    def saved_credentials(self) -> TokenCredentials | None:
        """Return the credentials that an earlier login saved, or None."""
        file = TokenFile(self.root, self._token_folder)
        tokens = load_tokens(file)
        return None if tokens is None else TokenCredentials(tokens, self._refresh, file)

    def log_in(
        self,
        username: str | None = None,
        password: str | None = None,
        *,
        provider: str | None = None,
        remember: bool = True,
    ) -> TokenCredentials:
        """Log in, and prompt for a missing username or password in the terminal.

        Raises Unauthorized if the credentials are wrong, or prompts are not possible.
        """
        chosen = self._choose_provider(provider, username)
        if chosen.get("mode") == "external":
            response = self._log_in_with_browser(chosen)
        else:
            response = self._log_in_with_password(chosen, username, password)
        file = TokenFile(self.root, self._token_folder) if remember else None
        credentials = TokenCredentials(Tokens.from_response(response), self._refresh, file)
        credentials.save()
        if message := chosen.get("confirmation_message"):
            print(message.format(id=response["identity"]["id"]))
        return credentials

    def log_out(self, credentials: TokenCredentials) -> None:
        """Delete the saved tokens, and end the session on the server."""
        credentials.clear()
        path = ("session", "revoke")
        self._http.post("auth", path, {"refresh_token": credentials.tokens.refresh})

    def _refresh(self, refresh_token: str) -> Any:
        path = ("session", "refresh")
        return self._http.post("auth", path, {"refresh_token": refresh_token}).value()

    def _choose_provider(self, name: str | None, username: str | None) -> Provider:
        if not self.providers:
            raise Unauthorized(f"{self.root} has no identity providers: login is not available.")
        candidates = [
            known
            for known in self.providers
            if (name is None or known["provider"] == name)
            and (username is None or known["mode"] != "external")
        ]
        if len(candidates) == 1 or (candidates and username is not None):
            return candidates[0]
        names = ", ".join(known["provider"] for known in self.providers)
        raise Unauthorized(
            f"provider={name!r} does not select one identity provider: use one of {names}."
        )

    def _log_in_with_password(
        self, provider: Provider, username: str | None, password: str | None
    ) -> Any:
        if username is None:
            username = _prompt(input, "Username: ")
        if password is None:
            password = _prompt(getpass, "Password: ")
        fields = {"grant_type": "password", "username": username, "password": password}
        path = ("provider", provider["provider"], "token")
        return self._http.send("POST", "auth", path, urlencode(fields).encode(), FORM).value()

    def _log_in_with_browser(self, provider: Provider) -> Any:
        """Run the device authorization grant (RFC 8628): print a code, then poll for tokens."""
        path = ("provider", provider["provider"])
        started = self._http.post("auth", (*path, "authorize"), None).value()
        try:
            address, code = started["authorization_uri"], started["user_code"]
            deadline = time.monotonic() + started["expires_in"]
            interval, device_code = started["interval"], started["device_code"]
        except (KeyError, TypeError) as error:
            raise InvalidResponse(
                "The server's response to the device authorization is incomplete."
            ) from error
        print(f"Visit {address} and enter the code {code}.", flush=True)
        webbrowser.open(address)
        request = {"device_code": device_code, "grant_type": DEVICE_GRANT}
        while time.monotonic() < deadline:
            time.sleep(interval)
            try:
                return self._http.post("auth", (*path, "token"), request).value()
            except BadRequest as error:
                if "authorization_pending" not in error.detail:
                    raise
        raise Unauthorized("The login timed out: the code was not entered in the browser.")


def require_interactive() -> None:
    """Raise Unauthorized unless the user can be prompted: in a terminal or a notebook."""
    if not (in_notebook() or (sys.stdin and sys.stdin.isatty())):
        raise Unauthorized(
            "This server requires a login, and there is no terminal to prompt in: pass "
            "api_key=..., or username=... and password=...."
        )


def _prompt(read: Any, text: str) -> str:
    require_interactive()
    return str(read(text))
