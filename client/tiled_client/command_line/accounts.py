"""Commands of a login: `login`, `logout`, `whoami`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from .connection import Connection, connection_options, json_option

if TYPE_CHECKING:
    from ..auth.login import LoginFlow


# Seconds after which connecting is given up.
CONNECT_SECONDS = 30.0


@click.command()
@click.option("-u", "--username", metavar="NAME", help="User name; prompted for if needed.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--provider", metavar="NAME", help="Identity provider, if the server has several.")
@connection_options
def login(
    connection: Connection, username: str | None, password_stdin: bool, provider: str | None
) -> None:
    """Log in, and save the login for later sessions of this client."""
    from .output import note

    if password_stdin and username is None:
        raise click.UsageError("--password-stdin needs --username.")
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    flow = _login_flow(connection)
    flow.log_in(username, password, provider=provider)
    note(f"Logged in to {flow.root}.")


@click.command()
@connection_options
def logout(connection: Connection) -> None:
    """End the saved login, on the server and on this machine."""
    from .output import note

    flow = _login_flow(connection)
    credentials = flow.saved_credentials()
    if credentials is None:
        note(f"There is no saved login of {flow.root}.")
        return
    flow.log_out(credentials)
    note(f"Logged out of {flow.root}.")


@click.command()
@json_option
@connection_options
def whoami(connection: Connection, as_json: bool) -> None:
    """Show for whom requests are made."""
    from .output import print_fields, print_json

    principal = _principal(connection.open())
    if as_json:
        print_json(principal)
    elif principal is None:
        click.echo("anonymous")
    else:
        print_fields(_fields(principal))


def _principal(client: Any) -> dict[str, Any] | None:
    from ..errors import NodeNotFound, NotSupported

    try:
        found: dict[str, Any] | None = client.whoami()
    except (NodeNotFound, NotSupported):
        # A server without users has one key, with all scopes.
        has_key = bool(client.credentials.header())
        return {"type": "server", "identities": [], "roles": []} if has_key else None
    return found


def _fields(principal: dict[str, Any]) -> dict[str, Any]:
    identities = [
        f"{identity['id']} ({identity['provider']})" for identity in principal["identities"]
    ]
    if principal["type"] == "server":
        return {"principal": "the server's own API key"}
    return {
        "identities": ", ".join(identities),
        "kind": principal["type"],
        "roles": ", ".join(role["name"] for role in principal.get("roles") or ()),
        "API keys": len(principal.get("api_keys") or ()),
        "sessions": len(principal.get("sessions") or ()),
    }


def _login_flow(connection: Connection) -> LoginFlow:
    """Return the login flow of the server, without logging in."""
    from ..auth.login import LoginFlow
    from ..http.api_discovery import find_api
    from ..http.client import HttpClient
    from ..uris import parse_uri

    options = connection.options()
    api = find_api(parse_uri(connection.root_uri()).root, options, CONNECT_SECONDS)
    return LoginFlow(
        HttpClient(api.root, options=options),
        api.about.get("authentication") or {},
        options.token_folder if options else None,
    )
