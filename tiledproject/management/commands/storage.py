"""`manage.py storage copy --to URI`: move the data of the site to a bucket, or to a folder."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.text import format_count
from tiledproject.start_checks import refuse_outdated
from tiledproject.storage_copy.errors import CopyError
from tiledproject.storage_copy.run import CopyReport, copy_storage, parse_target


class Command(BaseCommand):
    """Copies the storage, and switches the database to the copy."""

    help = (
        "Copy the stored data of the site from its folder to a bucket, or from its bucket to a "
        "folder, while servers write: the site does not change. Repeated, it copies what has "
        "changed. With --switch, while servers are stopped, it copies the rest and lets the "
        "database name the copy; change storage.uri or storage.directory before the next start."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("action", choices=["copy"], help="what to do")
        parser.add_argument(
            "--to", required=True, metavar="URI", help="s3://BUCKET/PREFIX, or the path of a folder"
        )
        parser.add_argument("--endpoint", help="address of the service of the bucket")
        parser.add_argument("--region", help="region of the bucket")
        parser.add_argument(
            "--switch", action="store_true", help="let the database name the copy; stop servers"
        )
        parser.add_argument(
            "--skip-damaged", action="store_true", help="leave data behind that cannot be read"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Copy, and print what was done. Raises CommandError."""
        refuse_outdated()
        try:
            target = parse_target(
                options["to"], endpoint=options["endpoint"], region=options["region"]
            )
            report = copy_storage(
                settings.TILED,
                target,
                switch=options["switch"],
                skip_damaged=options["skip_damaged"],
            )
        except CopyError as error:
            raise CommandError(str(error)) from None
        self.stdout.write(_sentence(report, options["to"]))


def _sentence(report: CopyReport, target: str) -> str:
    text = f"Copied {format_count(report.sources, 'data source')} to {target}"
    if report.problems:
        text += f", except {len(report.problems)}: see the log"
    if report.switched:
        setting = "storage.uri" if "://" in target else "storage.directory"
        return f"{text}. The database names the copy now: set {setting} to {target}."
    return f"{text}. Stop the servers, and repeat this with --switch to use the copy."
