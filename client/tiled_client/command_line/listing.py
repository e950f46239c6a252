"""Commands that show the tree: `tree`, `ls`, `info`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from .connection import Connection, connection_options, json_option, path_of

if TYPE_CHECKING:
    from ..nodes import Node
    from ..nodes.display.tree import Branch

ROWS_ON_SCREEN = 100
target_argument = click.argument("target", default="", metavar="[TARGET]")


@click.command()
@target_argument
@click.option("-n", "--limit", type=click.IntRange(1), help="Maximum number of entries.")
@click.option("-l", "--long", "is_long", is_flag=True, help="Show family, shape, type and specs.")
@click.option("--sort", metavar="KEY", help="Key of the metadata to sort by; -KEY for descending.")
@json_option
@connection_options
def ls(
    connection: Connection,
    target: str,
    limit: int | None,
    is_long: bool,
    sort: str | None,
    as_json: bool,
) -> None:
    """List the entries of a container.

    On a terminal, the first 100 are shown with their shape and type.
    """
    from .descriptions import summary
    from .output import note, print_json

    node = connection.open(target)
    on_screen = sys.stdout.isatty() and not as_json
    limit = limit or (ROWS_ON_SCREEN if on_screen else None)
    nodes = _entries(node, limit, sort)
    if as_json:
        print_json([summary(each) for each in nodes])
        return
    if is_long or on_screen:
        _print_rows(nodes)
    else:
        for each in nodes:
            click.echo(each.key)
    if on_screen and limit and node.structure_family == "container":
        more = len(node) - limit
        if more > 0:
            note(f"... and {more} more (--limit)")


@click.command()
@target_argument
@click.option("-d", "--depth", type=click.IntRange(1), default=3, help="Levels to show.")
@click.option(
    "-n", "--limit", type=click.IntRange(1), default=20, help="Maximum number per container."
)
@json_option
@connection_options
def tree(connection: Connection, target: str, depth: int, limit: int, as_json: bool) -> None:
    """Show the nodes below a container as a tree."""
    from ..http.operations import run
    from ..nodes.display.tree import grow
    from .output import console, print_json

    branch = run(grow(connection.open(target), depth, limit))
    if as_json:
        print_json(_nested(branch))
        return
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(path_of(branch.node)))
    _add_branches(root, branch)
    console().print(root)


@click.command()
@target_argument
@json_option
@connection_options
def info(connection: Connection, target: str, as_json: bool) -> None:
    """Show structure, metadata and files of a node."""
    from .descriptions import details, fields
    from .output import print_fields, print_json

    node = connection.open(target)
    if as_json:
        print_json(details(node))
    else:
        print_fields(fields(node))


def _entries(node: Any, limit: int | None, sort: str | None) -> Iterator[Node]:
    if node.structure_family != "container":
        yield node
        return
    ordered = node if sort is None else node.sort(sort)
    yield from islice(ordered.values(), limit)


def _print_rows(nodes: Iterator[Node]) -> None:
    from ..nodes.display.texts import shape_text, type_text
    from .descriptions import specs_text
    from .output import print_table

    rows = (
        [node.key, str(node.structure_family), shape_text(node), type_text(node), specs_text(node)]
        for node in nodes
    )
    print_table(["key", "family", "shape", "type", "specs"], rows)


def _add_branches(below: Any, branch: Branch) -> None:
    """Add the branches of a tree to one of rich."""
    from rich.text import Text

    from ..nodes.display.texts import summary_text

    for child in branch.children or ():
        label = Text(child.node.key)
        label.append(f"  {summary_text(child.node)}", style="dim")
        _add_branches(below.add(label), child)
    if branch.more:
        below.add(Text(f"... {branch.more} more", style="dim"))


def _nested(branch: Branch) -> dict[str, Any]:
    from .descriptions import summary

    found = {name: value for name, value in summary(branch.node).items() if name != "metadata"}
    if branch.children is not None:
        found["children"] = [_nested(child) for child in branch.children]
        found["more"] = branch.more
    return found
