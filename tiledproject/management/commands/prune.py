"""`manage.py prune`: delete or archive nodes by age, tag, spec or size."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from pydantic import ValidationError

from catalog.lifecycle_config import RetentionRule, RetentionSettings
from catalog.services.retention.pruning import Outcome, prune
from catalog.storage.errors import OutsideReadable
from catalog.storage.external import readable_folder
from core.errors import ServiceError
from core.text import format_count, format_size
from streaming.open_streams import open_streams


class Command(BaseCommand):
    """Applies the rules of `retention.rules`, or the one that the options make."""

    help = (
        "Delete or archive nodes by the rules of the setting retention.rules, or by the rule that "
        "the options make. Without --yes, only say what would change. Nodes with an open stream "
        "are never touched."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the conditions of a rule, its action, and `--yes`."""
        parser.add_argument("--under", metavar="PATH", help="only nodes below this container")
        parser.add_argument(
            "--older-than", metavar="TIME", help="without a change for this time, such as 90d"
        )
        parser.add_argument("--tag", help="with this access tag")
        parser.add_argument("--spec", help="with this spec")
        parser.add_argument(
            "--larger-than", metavar="SIZE", help="with more stored data, such as 10GB"
        )
        parser.add_argument(
            "--archive",
            action="store_true",
            help="move the data to the folder retention.archive, and keep the nodes with external "
            "files, instead of deleting nodes and data",
        )
        parser.add_argument(
            "--yes",
            action="store_true",
            help="make the changes; without, only say what would change",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply the rules, print one line per node and a sentence. Raises CommandError."""
        retention: RetentionSettings = settings.TILED.retention
        rules = [rule] if (rule := _rule(options)) else retention.rules
        if not rules:
            raise CommandError(
                "There is no rule: set retention.rules, or give --older-than, --tag, --spec or "
                "--larger-than."
            )
        if any(each.action == "archive" for each in rules):
            _check_archive(retention.archive)
        count = kept = size = 0
        try:
            for each in rules:
                for outcome in prune(
                    each, open_streams, retention.archive, dry_run=not options["yes"]
                ):
                    self._print(outcome)
                    kept += outcome.kept is not None
                    if outcome.kept is None:
                        count += outcome.selected.nodes
                        size += outcome.selected.size
        except ServiceError as error:
            raise CommandError(f"{error.detail} Nothing else was pruned.") from None
        except DatabaseError as error:
            raise CommandError(f"The database failed: {error}. Nothing else was pruned.") from None
        done = "Pruned" if options["yes"] else "Would prune"
        hint = "" if options["yes"] else " Repeat the command with --yes to do so."
        self.stdout.write(
            f"{done} {format_count(count, 'node')} with {format_size(size)} of data; "
            f"{kept} of the selected stay.{hint}"
        )

    def _print(self, outcome: Outcome) -> None:
        found = outcome.selected
        action = "keep" if outcome.kept else outcome.action
        line = (
            f"{action}\t/{found.node.path}\t{format_count(found.nodes, 'node')}\t"
            f"{format_size(found.size)}\t"
            f"changed {found.changed:%Y-%m-%d %H:%M}"
        )
        self.stdout.write(f"{line}\t{outcome.kept}" if outcome.kept else line)


def _rule(options: dict[str, Any]) -> RetentionRule | None:
    names = ("under", "older_than", "tag", "spec", "larger_than")
    given = {name: options[name] for name in names if options[name] is not None}
    if not given:
        return None
    try:
        action = "archive" if options["archive"] else "delete"
        return RetentionRule.model_validate({**given, "action": action})
    except ValidationError as error:
        first = error.errors()[0]
        where = f"--{str(first['loc'][0]).replace('_', '-')} " if first["loc"] else "The rule "
        raise CommandError(f"{where}{first['msg'].removeprefix('Value error, ')}.") from None


def _check_archive(archive: Path | None) -> None:
    if archive is None:
        raise CommandError("Set retention.archive to the folder that takes archived data.")
    try:
        readable_folder(archive.resolve(), settings.TILED.storage.readable)
    except OutsideReadable:
        raise CommandError(
            f"retention.archive is {archive}, which is not in a folder of storage.readable, so "
            "that archived data could not be read; add it there."
        ) from None
