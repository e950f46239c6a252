"""Commands of API keys: `api-key create`, `list`, `revoke`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from .connection import Connection, connection_options, json_option

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
DURATION = re.compile(r"(\d+)\s*([smhdwy]?)")


@click.group("api-key")
def api_key() -> None:
    """Manage your API keys."""


@api_key.command()
@click.option("--scope", "scopes", multiple=True, help="A scope; by default all of yours.")
@click.option("--expires-in", metavar="TIME", help="Lifetime: 30d, 12h, 15m or seconds.")
@click.option("--note", metavar="TEXT", help="A description, shown in lists of keys.")
@click.option("--tag", "tags", multiple=True, help="Restrict it to nodes with this access tag.")
@json_option
@connection_options
def create(
    connection: Connection,
    scopes: tuple[str, ...],
    expires_in: str | None,
    note: str | None,
    tags: tuple[str, ...],
    as_json: bool,
) -> None:
    """Create an API key, and print its secret, which is shown only once."""
    from .output import note as tell
    from .output import print_json

    seconds = None if expires_in is None else parse_duration(expires_in)
    with _only_with_users():
        key = connection.open().create_api_key(
            list(scopes) or None, expires_in=seconds, note=note, access_tags=list(tags) or None
        )
    if as_json:
        print_json(key)
        return
    tell(f"Key {key['first_eight']}, {_expiry(key)}; it is not shown again:")
    click.echo(key["secret"])


@api_key.command("list")
@json_option
@connection_options
def list_keys(connection: Connection, as_json: bool) -> None:
    """List your API keys."""
    from .output import print_json, print_table

    with _only_with_users():
        keys = (connection.open().whoami() or {}).get("api_keys") or []
    if as_json:
        print_json(keys)
        return
    rows = (
        [
            key["first_eight"],
            key.get("expiration_time") or "never",
            key.get("latest_activity") or "never",
            " ".join(key.get("scopes") or ()),
            " ".join(key.get("access_tags") or ()),
            key.get("note"),
        ]
        for key in keys
    )
    print_table(["key", "expires", "last used", "scopes", "tags", "note"], rows)


@api_key.command()
@click.argument("key")
@connection_options
def revoke(connection: Connection, key: str) -> None:
    """Revoke the API key KEY: its first eight characters, or all of it."""
    from .output import note

    connection.open().revoke_api_key(key)
    note(f"Revoked {key[:8]}.")


@contextmanager
def _only_with_users() -> Iterator[None]:
    """Explain that a server without users has no endpoint of keys."""
    from ..errors import NodeNotFound, NotSupported

    try:
        yield
    except (NodeNotFound, NotSupported) as error:
        raise NotSupported(
            "This server has no users, and therefore no API keys besides its own."
        ) from error


def parse_duration(text: str) -> int:
    """Return a time such as 30d, 12h or 3600 in seconds."""
    found = DURATION.fullmatch(text.strip())
    if found is None or not int(found[1]):
        raise click.UsageError(f"The time {text!r} must be like 30d, 12h, 15m, or seconds.")
    return int(found[1]) * UNITS[found[2] or "s"]


def _expiry(key: dict[str, Any]) -> str:
    time = key.get("expiration_time")
    return f"expires {time}" if time else "does not expire"
