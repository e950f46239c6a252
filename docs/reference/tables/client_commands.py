"""The commands of `tiled-client`, from their own help."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click

from tiled_client.command_line.main import cli

from .markdown import code, table


def commands() -> Iterator[str]:
    """Return a section for each command, with its options."""
    yield from _described(cli, "tiled-client", 2)


def _described(command: click.Command, name: str, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=name)
    yield f"{'#' * level} `{name}`\n"
    usage = command.collect_usage_pieces(context)
    yield f"`{' '.join([name, *usage])}`\n"
    yield f"{_joined(command.help or '')}\n"
    rows = [record for param in command.get_params(context) if (record := _row(param, context))]
    if rows:
        yield from table(["option", "meaning"], rows)
        yield ""
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from _described(found, f"{name} {below}", min(level + 1, 3))


def _row(param: click.Parameter, context: click.Context) -> list[str] | None:
    record = param.get_help_record(context)
    return None if record is None else [code(record[0]), _joined(record[1])]


def _joined(text: str) -> str:
    """Return paragraphs with each on one line."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip()))
