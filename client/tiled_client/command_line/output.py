"""Output of commands: JSON for programs, tables for people."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

UNITS = ("B", "kB", "MB", "GB", "TB")


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON; numbers that JSON does not have are null."""
    click.echo(json.dumps(plain(value), indent=indent, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Return a value of types that JSON has; others become texts."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case bytes():
            return value.decode(errors="replace")
        case complex():
            return [plain(value.real), plain(value.imag)]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return plain(value.astype(str).tolist() if value.dtype.kind in "mM" else value.tolist())
    return str(value)


def console(*, error: bool = False) -> Console:
    """Return the console of rich: without colours and with long lines where no person looks."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    width = None if stream.isatty() else 10_000
    return Console(stderr=error, width=width, highlight=False, soft_wrap=width is not None)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table: with a heading for people, separated by tabs otherwise."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join("" if cell is None else str(cell) for cell in row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name)
    for row in rows:
        table.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    console().print(table)


def print_fields(fields: Mapping[str, Any]) -> None:
    """Print names and values, one on a line; nested values are indented."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        lines = _lines(value)
        click.echo(f"{name:<{width}}  {lines[0]}")
        for line in lines[1:]:
            click.echo(f"{'':<{width}}  {line}")


def _lines(value: Any) -> list[str]:
    if isinstance(value, (Mapping, list)) and value:
        import yaml

        text = yaml.safe_dump(plain(value), sort_keys=False, allow_unicode=True)
        return str(text).rstrip("\n").split("\n")
    return str("-" if value in (None, "", {}, []) else value).split("\n")


def size_text(count: float) -> str:
    """Return a number of bytes with a unit."""
    for unit in UNITS[:-1]:
        if count < 1000:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count:.0f} B"
        count /= 1000
    return f"{count:.3g} {UNITS[-1]}"


def note(text: str) -> None:
    """Print a line for people to standard error."""
    click.echo(text, err=True)
