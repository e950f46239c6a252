"""Command `put`: upload files as nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from .connection import Connection, connection_options, json_option, path_of


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("-t", "--to", "target", default="", metavar="TARGET", help="The container.")
@click.option("-k", "--key", metavar="KEY", help="Key of the node; by default the file's name.")
@click.option(
    "-m",
    "--metadata",
    multiple=True,
    metavar="META",
    help="Metadata: NAME=VALUE, a JSON object, or @FILE with one; repeatable.",
)
@click.option("--spec", "specs", multiple=True, metavar="NAME", help="Spec; repeatable.")
@click.option("--tag", "tags", multiple=True, metavar="NAME", help="Access tag; repeatable.")
@click.option(
    "--if-exists",
    type=click.Choice(["error", "open", "replace"]),
    default="error",
    show_default=True,
    help="If the key exists: fail, write to that node, or replace it; containers are kept.",
)
@click.option("--parents", is_flag=True, help="Create the container if it does not exist.")
@json_option
@connection_options
def put(
    connection: Connection,
    files: tuple[str, ...],
    target: str,
    key: str | None,
    metadata: tuple[str, ...],
    specs: tuple[str, ...],
    tags: tuple[str, ...],
    if_exists: str,
    parents: bool,
    as_json: bool,
) -> None:
    """Upload files to a container.

    .npy, .npz and .tif files become arrays, .csv, .parquet and .arrow files tables, .h5 files and
    folders containers. A .json file is the metadata of the node at --to, into which it is merged.
    """
    from .descriptions import summary
    from .output import note, print_json
    from .uploads import upload

    if key is not None and len(files) > 1:
        raise click.UsageError("--key is for one FILE.")
    fields: dict[str, Any] = {"metadata": parse_metadata(metadata), "specs": list(specs) or None}
    if if_exists != "error":
        fields["if_exists"] = if_exists
    if tags:
        fields["access_tags"] = list(tags)
    container = _container(connection, target, parents=parents)
    nodes = []
    for name in files:
        node = upload(container, Path(name), key, fields)
        nodes.append(node)
        if not as_json:
            note(f"{name} is {path_of(node)}")
    if as_json:
        print_json([summary(node) for node in nodes])


def parse_metadata(texts: tuple[str, ...]) -> dict[str, Any]:
    """Return metadata that is given as texts; later values replace earlier ones."""
    found: dict[str, Any] = {}
    for text in texts:
        if text.startswith("@"):
            found |= _json_object(Path(text[1:]).read_text("utf-8"), text[1:])
        elif text.lstrip().startswith("{"):
            found |= _json_object(text, text)
        else:
            name, equals, value = text.partition("=")
            if not equals or not name:
                raise click.UsageError(
                    f"The metadata {text!r} are neither NAME=VALUE, a JSON object, nor @FILE."
                )
            found[name] = _value(value)
    return found


def _json_object(text: str, name: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"{name:.80} is not JSON: {error}.") from error
    if not isinstance(value, Mapping):
        raise click.UsageError(f"{name:.80} is not a JSON object.")
    return dict(value)


def _value(text: str) -> Any:
    """Return a number, a boolean or null if the text is one in JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _container(connection: Connection, target: str, *, parents: bool) -> Any:
    """Return the node at `target`; with `parents`, create it, and the containers above it."""
    from ..errors import NodeNotFound
    from ..uris import split_path
    from .connection import is_url

    if not parents or is_url(target):
        return connection.open(target)
    node = connection.open()
    for name in split_path(target):
        try:
            node = node[name]
        except NodeNotFound:
            node = node.create_container(name)
    return node
