"""Command `watch`: print the updates of a node live."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import click

from .connection import Connection, connection_options, json_option

if TYPE_CHECKING:
    from ..stream.updates import Update


@click.command()
@click.argument("target", default="", metavar="[TARGET]")
@click.option("-r", "--recursive", is_flag=True, help="Watch all nodes below a container, too.")
@click.option(
    "--start",
    metavar="FROM",
    default="new",
    show_default=True,
    help="new, latest, oldest (all retained updates), or a sequence number.",
)
@click.option("-n", "--count", type=click.IntRange(1), help="Stop after this many updates.")
@click.option("--latest", "is_latest", is_flag=True, help="Skip to the newest update when behind.")
@click.option("--max-rate", type=click.FloatRange(0, min_open=True), help="Updates per second.")
@click.option("-s", "--slice", "slice_", metavar="SLICE", help="Part of an array, as 0:10,::2.")
@click.option("--reduce", metavar="HOW", help="Make arrays smaller, as mean:4,4.")
@click.option("-c", "--column", "columns", multiple=True, help="Column of a table; repeatable.")
@json_option
@connection_options
def watch(
    connection: Connection,
    target: str,
    recursive: bool,
    start: str,
    count: int | None,
    is_latest: bool,
    max_rate: float | None,
    as_json: bool,
    **parts: Any,
) -> None:
    """Print the updates of a node live.

    They are printed a line each, until the stream is closed or Ctrl-C is pressed. Small arrays are
    printed as values, large ones as their range; tables as rows; containers as the changes of their
    entries. With --json each line is a JSON object.
    """
    from .updates import JsonLines, TextLines

    begin = _start(start)
    node = connection.open(target)
    options: dict[str, Any] = {"max_rate": max_rate, "policy": "latest" if is_latest else None}
    options |= {"recursive": True} if recursive else {}
    selected = {"slice": parts["slice_"], "reduce": parts["reduce"], "columns": parts["columns"]}
    options |= {name: value for name, value in selected.items() if value}
    _check_options(node, options)
    printer = JsonLines() if as_json else TextLines(with_path=node.structure_family == "container")
    _show_reconnects()
    subscription = node.subscribe(**options)
    subscription.gap.add_callback(printer.gap)
    subscription.reset.add_callback(printer.reset)
    try:
        with subscription.updates(begin) as updates:
            if not as_json and sys.stderr.isatty():
                click.echo(f"Watching {node.uri}. Press Ctrl-C to stop.", err=True)
            _print(updates, printer, count)
    except KeyboardInterrupt:
        return
    if count is None and not as_json:
        click.echo("The stream was closed.", err=True)


def _print(updates: Any, printer: Any, count: int | None) -> None:
    update: Update
    for number, update in enumerate(updates, 1):
        printer.update(update)
        if number == count:
            return


def _start(text: str) -> Any:
    words: dict[str, Any] = {"new": None, "latest": "latest", "oldest": 0}
    if text in words:
        return words[text]
    if text.isdecimal():
        return int(text)
    raise click.UsageError(f"--start must be new, latest, oldest or a number, not {text!r}.")


def _check_options(node: Any, options: dict[str, Any]) -> None:
    family = str(node.structure_family)
    is_container = family == "container"
    if "recursive" in options and not is_container:
        raise click.UsageError(f"--recursive is for containers; {node.uri} is of family {family}.")
    for name in ("slice", "reduce", "columns"):
        if name in options and is_container:
            raise click.UsageError(f"--{name.rstrip('s')} is for data; {node.uri} is a container.")


def _show_reconnects() -> None:
    """Print what the streams log: a lost connection, and when it is tried again."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("tiled_client.stream")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
