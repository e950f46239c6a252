"""`manage.py check_schema`: compare the database with the schema of this version."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from tiledproject.schema import Difference, differences, repair


class Command(BaseCommand):
    """Reports how the database differs from this version, and recreates what can be recreated."""

    help = (
        "Compare the database with this version: migrations, columns, indexes, and the functions "
        "and triggers of searches. The exit status is 1 if anything differs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add `--repair`."""
        parser.add_argument(
            "--repair",
            action="store_true",
            help="add missing columns, and recreate indexes, functions and triggers that differ; "
            "writes to the catalog wait meanwhile",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the differences, and one sentence. Raises CommandError if there are any."""
        try:
            found = differences(connection)
            self._print(found)
            if found and options["repair"]:
                repair(connection)
                left = differences(connection)
                if not left:
                    self.stdout.write(f"Repaired {len(found)} differences.")
                    return
                found = left
        except DatabaseError as error:
            raise CommandError(f"The database cannot be compared: {error}.") from None
        if found:
            remedies = "; ".join(sorted({each.remedy for each in found}))
            raise CommandError(f"{len(found)} differences from this version: {remedies}.")
        self.stdout.write("The database fits this version.")

    def _print(self, found: list[Difference]) -> None:
        for each in found:
            self.stdout.write(f"{each.text[0].upper()}{each.text[1:]}.")
