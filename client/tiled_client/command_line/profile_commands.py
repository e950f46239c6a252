"""Commands of profiles: `profile list`, `show`, `create`, `delete`, `set-default` and others."""

from __future__ import annotations

from typing import Any

import click

from .connection import json_option

HIDDEN = "********"


@click.group()
def profile() -> None:
    """Manage profiles: named settings of connections."""


@profile.command("list")
@json_option
def list_profiles(as_json: bool) -> None:
    """List the names of profiles, and their files."""
    from ..profiles.collection import load_profiles
    from ..profiles.default import get_default_profile_name
    from .output import note, print_json, print_table

    profiles, problems = load_profiles()
    for problem in problems:
        note(f"Warning: {problem}")
    default = get_default_profile_name()
    valid = {name: found for name, found in profiles.items() if found.problem is None}
    if as_json:
        rows = [
            {"name": name, "file": str(found.path), "default": name == default}
            for name, found in valid.items()
        ]
        print_json(rows)
        return
    print_table(
        ["name", "default", "file"],
        ([name, "*" if name == default else "", found.path] for name, found in valid.items()),
    )


@profile.command()
@click.argument("name")
@click.option("--show-secrets", is_flag=True, help="Show the API key and headers.")
@json_option
def show(name: str, show_secrets: bool, as_json: bool) -> None:
    """Show the settings of the profile NAME."""
    from ..profiles.collection import find_profile
    from .output import print_fields, print_json

    found = find_profile(name)
    content = dict(found.content) if show_secrets else _without_secrets(found.content)
    if as_json:
        print_json({"name": name, "file": str(found.path), "settings": content})
    else:
        print_fields({"file": f"{found.path}:{found.line}", **content})


@profile.command()
@click.argument("name")
@click.option("--uri", required=True, metavar="URL", help="URL of the server, or of a node.")
@click.option("--api-key", metavar="KEY", help="API key; ${NAME} for an environment variable.")
@click.option("--no-verify", is_flag=True, help="Do not verify the TLS certificate.")
@click.option("--force", is_flag=True, help="Replace a profile that exists.")
@click.option("--default", "is_default", is_flag=True, help="Make it the default profile.")
def create(
    name: str, uri: str, api_key: str | None, no_verify: bool, force: bool, is_default: bool
) -> None:
    """Create the profile NAME, in a file that only you can read."""
    from ..profiles.default import set_default_profile_name
    from ..profiles.editing import create_profile
    from ..profiles.errors import ProfileExists
    from .output import note

    content: dict[str, Any] = {"uri": uri}
    if api_key is not None:
        content["api_key"] = api_key
    if no_verify:
        content["verify"] = False
    try:
        path = create_profile(name, content, overwrite=force)
    except ProfileExists as error:
        raise ProfileExists(str(error).replace("pass overwrite", "pass --force")) from None
    if is_default:
        set_default_profile_name(name)
    note(f"Wrote {path}.")


@profile.command()
@click.argument("name")
def delete(name: str) -> None:
    """Delete the file of the profile NAME."""
    from ..profiles.editing import delete_profile
    from .output import note

    note(f"Deleted {delete_profile(name)}.")


@profile.command("set-default")
@click.argument("name", required=False)
@click.option("--none", "is_none", is_flag=True, help="Have no default.")
def set_default(name: str | None, is_none: bool) -> None:
    """Make NAME the profile that commands use without --profile."""
    from ..profiles.default import set_default_profile_name

    if (name is None) == (not is_none):
        raise click.UsageError("Pass either NAME or --none.")
    set_default_profile_name(name)


@profile.command("get-default")
def get_default() -> None:
    """Print the name of the default profile."""
    from ..profiles.default import get_default_profile_name

    name = get_default_profile_name()
    if name is None:
        raise click.ClickException("No default profile is set.")
    click.echo(name)


@profile.command()
def paths() -> None:
    """List the folders of profiles; one overrides those before it."""
    from ..profiles.folders import profile_folders

    for folder in profile_folders():
        click.echo(folder)


def _without_secrets(content: Any) -> dict[str, Any]:
    from ..profiles.connecting import SECRETS

    return {name: HIDDEN if name in SECRETS else value for name, value in content.items()}
