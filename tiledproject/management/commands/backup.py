"""`manage.py backup`: back the site up, while its servers write."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from catalog.storage.errors import StorageError
from core.text import format_count, format_size
from tiledproject.backups.backup import make_backup
from tiledproject.backups.checking import check_backup
from tiledproject.backups.errors import BackupError
from tiledproject.backups.repository import Repository
from tiledproject.start_checks import refuse_outdated


class Command(BaseCommand):
    """Makes a backup, or checks the newest one."""

    help = (
        "Back up the database, the stored data and the keys into a new folder in FOLDER, also "
        "while servers write. Files that have not changed since the backup before are linked to it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options."""
        parser.add_argument("folder", metavar="FOLDER", type=Path, help="the folder of all backups")
        parser.add_argument(
            "--link",
            action="store_true",
            help="link to the site's files that never change in place instead of copying them; "
            "they share the disk then",
        )
        parser.add_argument(
            "--keep", type=int, metavar="NUMBER", help="remove older backups than the newest NUMBER"
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="make none, but compare the files of the newest backup with their digests",
        )

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        """Make the backup, and print one sentence. Raises CommandError."""
        if options["keep"] is not None and options["keep"] < 1:
            raise CommandError("--keep is the number of backups that remain, at least 1.")
        os.umask(0o077)  # a backup has keys and private data
        try:
            if options["check"]:
                self._check(folder)
            else:
                self._make(folder, link=options["link"], keep=options["keep"])
        except BackupError as error:
            raise CommandError(str(error)) from None
        except StorageError as error:
            raise CommandError(f"The backup is incomplete: {error}") from None
        except OSError as error:
            raise CommandError(
                f"The backup is incomplete: {error.strerror} ({error.filename})."
            ) from None
        except DatabaseError as error:
            raise CommandError(f"The backup is incomplete: the database failed: {error}.") from None

    def _make(self, folder: Path, *, link: bool, keep: int | None) -> None:
        refuse_outdated()
        repository = Repository(folder.absolute())
        report = make_backup(settings.TILED, repository, link=link)
        counts, copied = report.counts, format_size(report.counts.copied_bytes)
        for problem in counts.problems:
            self.stderr.write(f"Missing from the backup, and from the storage: {problem}.")
        self.stdout.write(
            f"Backed up {format_count(report.nodes, 'node')} to {report.folder}: "
            f"{format_count(report.files, 'file')} of {format_size(report.size)}, of which "
            f"{counts.unchanged} have not changed since the backup before, {counts.linked} are "
            f"linked to the storage, and {counts.copied} ({copied}) are copied."
        )
        if keep and (gone := repository.remove_oldest(keep)):
            self.stdout.write(f"Removed {format_count(len(gone), 'older backup')}.")

    def _check(self, folder: Path) -> None:
        report = check_backup(folder)
        for name in report.damaged:
            self.stdout.write(f"damaged\t{report.folder / name}")
        if report.damaged:
            raise CommandError(f"{len(report.damaged)} of {report.files} files are damaged.")
        self.stdout.write(f"All {report.files} files of {report.folder} are intact.")
