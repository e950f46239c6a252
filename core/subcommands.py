"""Base of management commands with subcommands, such as `manage.py tag create`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Collection
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from .errors import ServiceError
from .program import program


class SubcommandCommand(BaseCommand):
    """A command whose subclass adds parsers and has a method `_NAME(options)` per subcommand."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the subcommands, of which one is required."""
        self.add_subcommands(parser.add_subparsers(dest="action", required=True))

    def add_subcommands(self, subcommands: Any) -> None:
        """Add a parser for each subcommand."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the chosen subcommand. Raises CommandError for errors of services and databases."""
        try:
            getattr(self, f"_{options['action'].replace('-', '_')}")(options)
        except ServiceError as error:
            raise CommandError(error.detail) from None
        except DatabaseError as error:
            raise CommandError(f"{error}; run `{program()} migrate` first.") from None


def split_names(text: str) -> frozenset[str]:
    """Return the names in a list separated by commas."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def listed(names: Collection[str]) -> str:
    """Return names as a sorted list separated by commas."""
    return ", ".join(sorted(names))
