"""Command `get`: download a node to a file, a folder, or standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .connection import Connection, connection_options, json_option
from .downloads import extension_of, save

if TYPE_CHECKING:
    from ..nodes import Node

TEXTS = ("csv", "json", "txt", "text", "html", "json-seq")


@click.command()
@click.argument("target", metavar="TARGET")
@click.argument("file", default="", metavar="[FILE]")
@click.option("-f", "--format", "format_", metavar="EXT", help="Format, as csv or h5.")
@click.option("-s", "--slice", "slice_", metavar="SLICE", help="Part of an array, as 0:10,::2.")
@click.option("-c", "--column", "columns", multiple=True, help="Column of a table; repeatable.")
@click.option("--raw", is_flag=True, help="Download the files as they are stored.")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@json_option
@connection_options
def get(
    connection: Connection,
    target: str,
    file: str,
    format_: str | None,
    slice_: str | None,
    columns: tuple[str, ...],
    raw: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Download a node to a file or folder.

    The format is that of the extension of FILE; - is standard output. Without FILE, an array
    becomes KEY.npy, a table KEY.parquet, and a container a folder KEY with the nodes in it, and
    their metadata in files *.metadata.json. A container with an extension, such as scan.h5, becomes
    one file.
    """
    from .output import note, print_json

    node = connection.open(target)
    _check_options(node, slice_, columns)
    if file == "-":
        _to_stdout(node, format_, slice_, columns)
        return
    is_raw = raw or node.structure_family == "bytes"
    place = Path(file or _default_name(node, format_, is_folder=is_raw))
    if is_raw:
        written = [Path(path) for path in node.raw_export(place)]
    elif node.structure_family == "container" and not (format_ or place.suffix):
        from .folders import save_container

        written = save_container(node, place, force=force)
    else:
        _check_absent(place, force)
        save(node, place, format_, slice_, columns)
        written = [place]
    if as_json:
        print_json({"files": [str(path) for path in written]})
    else:
        note(f"Wrote {place}." if len(written) == 1 else f"Wrote {len(written)} files to {place}.")


def _to_stdout(
    node: Any, format_: str | None, slice_: str | None, columns: tuple[str, ...]
) -> None:
    if format_ is None:
        format_ = "csv" if node.structure_family in ("array", "table") else "json"
    if sys.stdout.isatty() and format_.lstrip(".") not in TEXTS:
        raise click.UsageError(f"{format_} is binary: redirect standard output, or name a FILE.")
    output = sys.stdout.buffer
    if node.structure_family == "bytes":
        output.write(node.read())
    else:
        save(node, output, format_, slice_, columns)
    output.flush()


def _default_name(node: Node, format_: str | None, *, is_folder: bool) -> str:
    key = node.key or "root"
    if is_folder:
        return key
    extension = f".{format_.lstrip('.')}" if format_ else extension_of(node)
    return f"{key}{extension}"


def _check_options(node: Node, slice_: str | None, columns: tuple[str, ...]) -> None:
    family = str(node.structure_family)
    if slice_ is not None and family != "array":
        raise click.UsageError(f"--slice is for arrays, and {node.key!r} is of family {family}.")
    if columns and family != "table":
        raise click.UsageError(f"--column is for tables, and {node.key!r} is of family {family}.")


def _check_absent(place: Path, force: bool) -> None:
    if place.exists() and not force:
        raise FileExistsError(f"{place} exists: pass --force to overwrite it.")
